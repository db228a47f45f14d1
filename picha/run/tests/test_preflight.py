import os
import socket
from pathlib import Path

import pytest

from picha.paths import run_dir
from picha.run import preflight
from picha.run.preflight import CannotRun, check_python
from picha.run.tests.plans import plan_of
from realtime.tests.support.ports import free_port


def test_only_the_owner_may_use_the_folders(tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "deep" / "var")

    with preflight.lock_folders(plan):
        for folder in (plan.var_dir, plan.logs, plan.sockets):
            assert folder.stat().st_mode & 0o777 == 0o700


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)

    with (
        preflight.lock_folders(plan),
        pytest.raises(CannotRun, match=rf"in use by another run \(process {os.getpid()}\)"),
    ):
        preflight.lock_folders(plan)


def test_the_lock_ends_with_the_run(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    with preflight.lock_folders(plan):
        pass

    with preflight.lock_folders(plan):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_folder_that_cannot_be_created_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotRun, match="set VAR_DIR to another folder"):
        preflight.lock_folders(plan_of(tmp_path / "file" / "var"))


@pytest.mark.parametrize("name", ["50% off", 'a "quoted" name', "a;b"])
def test_a_path_that_supervisor_cannot_read_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotRun, match="use another folder"):
        preflight.lock_folders(plan_of(tmp_path / name))

    assert not (tmp_path / name).exists()


def test_sockets_of_an_earlier_run_are_removed(tmp_path: Path) -> None:
    old_socket = run_dir(tmp_path) / "supervisor.sock"
    old_socket.parent.mkdir()
    old_socket.touch()

    with preflight.lock_folders(plan_of(tmp_path)):
        assert not old_socket.exists()


def test_a_socket_folder_of_another_user_is_refused(tmp_path: Path) -> None:
    another_folder = tmp_path / "another"
    another_folder.mkdir()
    run_dir(tmp_path).symlink_to(another_folder)

    with pytest.raises(CannotRun, match="belongs to another user"):
        preflight.lock_folders(plan_of(tmp_path))


@pytest.mark.parametrize(
    ("offset", "program"), [(0, "web"), (1, "smtp"), (2, "mailbox"), (3, "sandbox")]
)
def test_a_port_in_use_is_named(tmp_path: Path, offset: int, program: str) -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port + offset)),
        pytest.raises(CannotRun) as error,
    ):
        preflight.check_ports(plan_of(tmp_path, PORT=str(port)))

    assert f"port {port + offset} on 127.0.0.1 is in use" in str(error.value)
    assert program in str(error.value)
    assert f"PORT={port + 1000} make run" in str(error.value)


def test_free_ports_are_accepted(tmp_path: Path) -> None:
    preflight.check_ports(plan_of(tmp_path, PORT=str(free_port())))


def test_an_old_python_is_refused() -> None:
    with pytest.raises(CannotRun, match=r"this is Python 3\.10, and Picha needs 3\.11"):
        check_python((3, 10))

    check_python((3, 11))
    check_python((4, 0))

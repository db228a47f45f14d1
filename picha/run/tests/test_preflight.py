import os
import socket
from pathlib import Path

import pytest

from picha.paths import run_dir
from picha.run import preflight
from picha.run.__main__ import check_python
from picha.run.preflight import CannotRun
from picha.run.tests.plans import plan_of
from realtime.tests.ports import free_port


def test_the_folders_are_the_owners_alone(tmp_path: Path) -> None:
    plan = plan_of(tmp_path / "deep" / "var")

    with preflight.claim(plan):
        for folder in (plan.var_dir, plan.logs, plan.sockets):
            assert folder.stat().st_mode & 0o777 == 0o700


def test_a_second_run_in_the_same_folder_is_refused(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)

    with (
        preflight.claim(plan),
        pytest.raises(CannotRun, match=rf"in use by another run \(process {os.getpid()}\)"),
    ):
        preflight.claim(plan)


def test_the_folder_is_free_again_afterwards(tmp_path: Path) -> None:
    plan = plan_of(tmp_path)
    with preflight.claim(plan):
        pass

    with preflight.claim(plan):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(CannotRun, match="set VAR_DIR to another folder"):
        preflight.claim(plan_of(tmp_path / "file" / "var"))


@pytest.mark.parametrize("name", ["50% off", 'a "quoted" one', "a;b"])
def test_a_folder_that_supervisor_cannot_name_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(CannotRun, match="use another folder"):
        preflight.claim(plan_of(tmp_path / name))

    assert not (tmp_path / name).exists()


def test_sockets_left_over_are_removed(tmp_path: Path) -> None:
    left_over = run_dir(tmp_path) / "supervisor.sock"
    left_over.parent.mkdir()
    left_over.touch()

    with preflight.claim(plan_of(tmp_path)):
        assert not left_over.exists()


def test_a_socket_folder_that_is_somebody_elses_is_refused(tmp_path: Path) -> None:
    elsewhere = tmp_path / "theirs"
    elsewhere.mkdir()
    run_dir(tmp_path).symlink_to(elsewhere)

    with pytest.raises(CannotRun, match="belongs to somebody else"):
        preflight.claim(plan_of(tmp_path))


@pytest.mark.parametrize(
    ("offset", "program"), [(0, "web"), (1, "smtp"), (2, "mailbox"), (3, "sandbox")]
)
def test_a_port_in_use_is_named(tmp_path: Path, offset: int, program: str) -> None:
    port = free_port()
    with (
        socket.create_server(("127.0.0.1", port + offset)),
        pytest.raises(CannotRun) as refused,
    ):
        preflight.check_ports(plan_of(tmp_path, PORT=str(port)))

    assert f"Port {port + offset} on 127.0.0.1 is in use" in str(refused.value)
    assert program in str(refused.value)
    assert f"PORT={port + 1000} make run" in str(refused.value)


def test_free_ports_are_fine(tmp_path: Path) -> None:
    preflight.check_ports(plan_of(tmp_path, PORT=str(free_port())))


def test_an_old_python_is_refused() -> None:
    with pytest.raises(CannotRun, match=r"this is Python 3\.10, and Picha needs 3\.11"):
        check_python((3, 10))

    check_python((3, 11))
    check_python((4, 0))


@pytest.mark.parametrize(
    ("text", "last"), [("", ""), ("one\ntwo\n\n  \n", "two"), ("\x00\n", "\x00"), ("\udcff", "?")]
)
def test_the_last_line_of_a_log(tmp_path: Path, text: str, last: str) -> None:
    log = tmp_path / "web.log"
    log.write_text(text, "utf-8", errors="replace")

    assert preflight.newest_problem(log) == last


def test_a_log_that_does_not_exist_says_nothing(tmp_path: Path) -> None:
    assert preflight.newest_problem(tmp_path / "web.log") == ""

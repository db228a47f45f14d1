"""The whole site, run and ended for real, away from the one that the other tests share."""

import os
import re
import shutil
import signal
import smtplib
import socket
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from picha.paths import run_dir
from picha.tests.faults import wait_until_well
from picha.tests.stack import PATIENCE, Stack, start_stack
from realtime.tests.polling import until

pytestmark = pytest.mark.stack

Start = Callable[[Path], Stack]

MAILBOX = 2
"""Its port, counted from the site's."""


@pytest.fixture
def start(stack: Stack) -> Iterator[Start]:
    """Whatever the test does with it, it has ended afterwards."""
    started: list[Stack] = []

    def start_and_wait(var_dir: Path) -> Stack:
        if not var_dir.exists():  # To hash and compress static files again takes seconds.
            shutil.copytree(stack.var_dir / "static", var_dir / "static")
        started.append(start_stack(var_dir=var_dir))
        started[-1].wait_until_ready()
        return started[-1]

    yield start_and_wait
    for site in started:
        site.end()


def process_ids(site: Stack) -> set[int]:
    """Every process of the run: each program leads a group of its own, children included."""
    groups = {program.pid for program in site.control.programs().values()}
    return {pid for pid in _all_processes() if _group(pid) in groups}


def _all_processes() -> set[int]:
    return {int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()}


def _group(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return 0


def have_ended(pids: set[int], *, site: Stack) -> bool:
    return not any(_group(pid) for pid in pids) and all(
        _is_free(port) for port in range(site.port, site.port + 4)
    )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.once
def test_ctrl_c_ends_every_process_and_the_next_run_finds_the_data(
    tmp_path: Path, start: Start
) -> None:
    first = start(tmp_path / "my photos, größer")
    password, pids = first.operator_password, process_ids(first)
    assert len(pids) >= 9  # seven programs, and the worker's two children

    first.end(signal_number=signal.SIGINT)

    until(lambda: have_ended(pids, site=first), within=PATIENCE, what="every process has ended")
    assert "Everything has ended." in first.said()
    second = start(first.var_dir)
    assert second.operator_password == password


@pytest.mark.once
def test_nothing_is_left_when_the_run_itself_is_killed(tmp_path: Path, start: Start) -> None:
    site = start(tmp_path / "site")
    pids = process_ids(site)

    site.end(signal_number=signal.SIGKILL)

    until(lambda: have_ended(pids, site=site), within=PATIENCE, what="every process has ended")


@pytest.mark.once
def test_nothing_is_left_when_supervisord_is_killed(tmp_path: Path, start: Start) -> None:
    site = start(tmp_path / "site")
    pids = process_ids(site)
    supervisord = int((run_dir(site.var_dir) / "supervisord.pid").read_text())

    os.kill(supervisord, signal.SIGKILL)

    assert site.process.wait(PATIENCE) == 1
    assert "supervisord ended." in site.said()
    until(lambda: have_ended(pids, site=site), within=PATIENCE, what="every process has ended")


def test_a_second_run_in_the_same_folder_ends_with_a_sentence(stack: Stack, tmp_path: Path) -> None:
    second = start_stack(var_dir=stack.var_dir, output=tmp_path / "output")

    assert second.process.wait(PATIENCE) == 1
    assert "is in use by another run" in second.said()
    assert "Traceback" not in second.said()


def test_a_port_in_use_ends_with_a_sentence(stack: Stack, tmp_path: Path) -> None:
    second = start_stack(var_dir=tmp_path / "other", port=stack.port)

    assert second.process.wait(PATIENCE) == 1
    assert f"port {stack.port} on 127.0.0.1 is in use" in second.said()
    assert "Traceback" not in second.said()


@pytest.mark.parametrize(
    "program", ["valkey", "smtp", "mailbox", "sandbox", "web", "worker", "beat"]
)
def test_what_is_killed_is_started_again(stack: Stack, program: str) -> None:
    stack.kill(program)  # which waits until the terminal says that it was started again

    wait_until_well(stack)


def test_mail_that_is_sent_is_shown(stack: Stack) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Grüße", "a@a.example", "b@b.example"
    message.set_content("Lovely photos")
    with smtplib.SMTP("127.0.0.1", stack.port + 1, timeout=PATIENCE) as smtp:
        smtp.send_message(message)

    listed = stack.get("/", port_after=MAILBOX)
    (key,) = re.findall(r'href="(/[^"]+)">\s*<strong>Grüße', listed.text)
    shown = stack.get(key, port_after=MAILBOX)

    assert shown.status_code == 200
    assert "Lovely photos" in shown.text


def test_the_password_of_the_banner_logs_in(stack: Stack) -> None:
    with httpx.Client(
        base_url=stack.url, trust_env=False, follow_redirects=True, timeout=PATIENCE
    ) as client:
        client.get("/admin/login/")
        data = {
            "username": "operator",
            "password": stack.operator_password,
            "csrfmiddlewaretoken": client.cookies[f"csrftoken_{stack.port}"],
            "next": "/admin/",
        }
        page = client.post("/admin/login/", data=data)

    assert page.status_code == 200
    assert "Site administration" in page.text


def test_no_log_has_the_key_to_a_job(stack: Stack) -> None:
    link = "/jobs/0192f0c0-0000-7000-8000-000000000000/?key=very-secret"

    assert stack.get(link).status_code == 404

    logs = list((stack.var_dir / "log").glob("*.log"))
    assert any(log.name == "web.log" for log in logs)
    assert not any("very-secret" in log.read_text("utf-8", "replace") for log in logs)


def test_only_this_machine_is_listened_to(stack: Stack) -> None:
    for port in range(stack.port, stack.port + 4):
        listening = _listening_addresses(port)
        assert listening == {"0100007F"}, port


def _listening_addresses(port: int) -> set[str]:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        row[1].split(":")[0] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")
    }


def test_the_programs_are_out_of_reach_for_other_users(stack: Stack) -> None:
    for path in (stack.var_dir, stack.var_dir / "run"):
        assert path.stat().st_mode & 0o077 == 0

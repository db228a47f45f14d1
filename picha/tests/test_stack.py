"""`make run`: how the whole site starts, restarts its programs and ends."""

import os
import re
import shutil
import signal
import smtplib
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path

import httpx
import pytest

from picha.paths import run_dir
from picha.tests.faults import wait_until_ready
from picha.tests.processes import process_ids, wait_until_ended
from picha.tests.stack import TIMEOUT_SECONDS, Stack
from picha.tests.stack_process import start_stack

pytestmark = pytest.mark.stack

Start = Callable[[Path], Stack]

MAILBOX_PORT_OFFSET = 2
LOOPBACK_HEX = "0100007F"  # 127.0.0.1 in /proc/net/tcp


@pytest.fixture
def start(stack: Stack) -> Iterator[Start]:
    """Starts a site that does not outlive the test."""
    started: list[Stack] = []

    def start_and_wait(var_dir: Path) -> Stack:
        if not var_dir.exists():  # hashing and compressing the static files again takes seconds
            shutil.copytree(stack.var_dir / "static", var_dir / "static")
        started.append(start_stack(var_dir=var_dir))
        started[-1].wait_until_started()
        return started[-1]

    yield start_and_wait
    for site in started:
        site.end()


@pytest.mark.once
def test_ctrl_c_ends_every_process_and_the_next_run_uses_the_data(
    tmp_path: Path, start: Start
) -> None:
    first = start(tmp_path / "my photos, größer")
    password, pids = first.operator_password, process_ids(first)
    assert len(pids) >= 9  # seven programs, and the worker's two children

    first.end(signal_number=signal.SIGINT)

    wait_until_ended(pids, site=first)
    assert "Everything has ended." in first.output()
    assert password in first.output()
    second = start(first.var_dir)
    assert second.operator_password == password
    assert password not in second.output()


@pytest.mark.once
def test_no_process_is_left_when_make_run_is_killed(tmp_path: Path, start: Start) -> None:
    site = start(tmp_path / "site")
    pids = process_ids(site)

    site.end(signal_number=signal.SIGKILL)

    wait_until_ended(pids, site=site)


@pytest.mark.once
def test_no_process_is_left_when_supervisord_is_killed(tmp_path: Path, start: Start) -> None:
    site = start(tmp_path / "site")
    pids = process_ids(site)
    supervisord = int((run_dir(site.var_dir) / "supervisord.pid").read_text())

    os.kill(supervisord, signal.SIGKILL)

    assert site.process.wait(TIMEOUT_SECONDS) == 1
    assert "supervisord ended." in site.output()
    wait_until_ended(pids, site=site)


def test_a_second_run_in_the_same_folder_is_refused(stack: Stack, tmp_path: Path) -> None:
    second = start_stack(var_dir=stack.var_dir, output_file=tmp_path / "output")

    assert second.process.wait(TIMEOUT_SECONDS) == 1
    assert "is in use by another run" in second.output()
    assert "Traceback" not in second.output()


def test_a_port_in_use_is_refused(stack: Stack, tmp_path: Path) -> None:
    second = start_stack(var_dir=tmp_path / "other", port=stack.port)

    assert second.process.wait(TIMEOUT_SECONDS) == 1
    assert f"port {stack.port} on 127.0.0.1 is in use" in second.output()
    assert "Traceback" not in second.output()


@pytest.mark.parametrize(
    "program", ["valkey", "smtp", "mailbox", "sandbox", "web", "worker", "beat"]
)
def test_a_killed_program_is_restarted(stack: Stack, program: str) -> None:
    stack.kill(program)  # it waits for the restart

    wait_until_ready(stack)


def test_the_mailbox_shows_a_mail_that_was_sent(stack: Stack) -> None:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = "Grüße", "a@a.example", "b@b.example"
    message.set_content("Lovely photos")
    with smtplib.SMTP("127.0.0.1", stack.port + 1, timeout=TIMEOUT_SECONDS) as smtp:
        smtp.send_message(message)

    list_page = stack.get("/", port_offset=MAILBOX_PORT_OFFSET)
    (key,) = re.findall(r'href="(/[^"]+)">\s*<strong>Grüße', list_page.text)
    mail_page = stack.get(key, port_offset=MAILBOX_PORT_OFFSET)

    assert mail_page.status_code == 200
    assert "Lovely photos" in mail_page.text


def test_the_operator_logs_in_with_the_password_of_the_banner(stack: Stack) -> None:
    with httpx.Client(
        base_url=stack.url, trust_env=False, follow_redirects=True, timeout=TIMEOUT_SECONDS
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


def test_no_log_contains_the_key_of_a_job(stack: Stack) -> None:
    link = "/jobs/0192f0c0-0000-7000-8000-000000000000/?key=very-secret"

    assert stack.get(link).status_code == 404

    logs = list((stack.var_dir / "log").glob("*.log"))
    assert any(log.name == "web.log" for log in logs)
    assert not any("very-secret" in log.read_text("utf-8", "replace") for log in logs)


def test_the_servers_listen_only_on_this_machine(stack: Stack) -> None:
    for port in range(stack.port, stack.port + 4):
        assert _listening_addresses(port) == {LOOPBACK_HEX}, port


def _listening_addresses(port: int) -> set[str]:
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {
        row[1].split(":")[0] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")
    }


def test_other_users_of_the_machine_cannot_read_the_folders(stack: Stack) -> None:
    for path in (stack.var_dir, stack.var_dir / "run"):
        assert path.stat().st_mode & 0o077 == 0

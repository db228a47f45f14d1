import asyncio
import smtplib
import sys
from collections.abc import Iterator
from mailbox import Maildir
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Final

import pytest

from picha.mailbox.smtp_server import LINE_MAX
from realtime.tests.support.polling import until
from realtime.tests.support.ports import free_port
from realtime.tests.support.raw_socket import TIMEOUT_SECONDS, Raw, connected, request

MAIL: Final = (
    b"EHLO evil.example\r\nMAIL FROM:<a@evil.example>\r\nRCPT TO:<b@picha.example>\r\nDATA\r\n"
    b"Subject: From a web page\r\n\r\nHello\r\n.\r\nQUIT\r\n"
)
LENGTH: Final = ("Content-Length", str(len(MAIL)))
BROWSER: Final = [("Host", "127.0.0.1"), ("User-Agent", "x"), ("Accept", "*/*"), LENGTH]
FIRST_LINES: Final = {
    "a form": request("/", BROWSER, method="POST"),
    "a form with few headers": request("/", [LENGTH], method="POST"),
    "PUT": request("/EHLO", BROWSER, method="PUT"),
    "GET": request("/", BROWSER),
    "a method of its own": request("/", BROWSER, method="EHLOX"),
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n",
    "an empty line": b"\r\n",
    "FTP": b"USER anonymous\r\n",
    "no HELO": b"MAIL FROM:<a@evil.example>\r\n",
    "a long line": b"EHLO " + b"x" * LINE_MAX + b"x",
}


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of the server; its Maildir is `folder`."""
    port = free_port()
    folder = tmp_path_factory.getbasetemp() / "smtp-server-mail"
    command = [sys.executable, "-m", "picha.mailbox.smtp_server", f"127.0.0.1:{port}", str(folder)]
    home = Path(__file__).parents[3]
    with Popen(command, cwd=home, stdout=DEVNULL, stderr=DEVNULL) as process:
        try:
            until(lambda: answers(port), within=TIMEOUT_SECONDS, what="the mail server answers")
            yield port
        finally:
            process.kill()


@pytest.fixture
def maildir(port: int, tmp_path_factory: pytest.TempPathFactory) -> Maildir:
    maildir = Maildir(tmp_path_factory.getbasetemp() / "smtp-server-mail")
    maildir.clear()
    return maildir


def answers(port: int) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", port) as client:
            return client.noop()[0] == 250
    except OSError:
        return False


async def replies(raw: Raw) -> bytes:
    """All that the server sends until it ends the connection."""
    received = b""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while data := await raw.read():
            received += data
    return received


@pytest.mark.parametrize("name", FIRST_LINES)
@pytest.mark.parametrize("in_parts", [False, True])
async def test_no_mail_is_taken_from_another_protocol(
    port: int, maildir: Maildir, name: str, *, in_parts: bool
) -> None:
    data = FIRST_LINES[name] + MAIL
    async with connected(port) as raw:
        if in_parts:
            await raw.write(data[:3])
            data = data[3:]
        await raw.write(data)
        received = await replies(raw)
    assert b"250" not in received
    assert len(maildir) == 0


async def test_mail_is_taken_from_smtp(port: int, maildir: Maildir) -> None:
    async with connected(port) as raw:
        for byte in (MAIL[:1], MAIL[1:20], MAIL[20:]):
            await raw.write(byte)
        received = await replies(raw)
    assert b"\r\n554" not in received
    (mail,) = maildir
    assert mail["Subject"] == "From a web page"


@pytest.mark.parametrize("command", ["ehlo", "helo"])
def test_a_client_sends_mail(port: int, maildir: Maildir, command: str) -> None:
    with smtplib.SMTP("127.0.0.1", port) as client:
        getattr(client, command)()
        client.sendmail("a@picha.example", ["b@picha.example"], "Subject: Two\r\n\r\nHello")
    (mail,) = maildir
    assert mail["Subject"] == "Two"

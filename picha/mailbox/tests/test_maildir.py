import os
from email.message import EmailMessage
from mailbox import Maildir
from pathlib import Path

import pytest

from picha.mailbox import maildir


def deliver(folder: Path, message: EmailMessage | bytes) -> str:
    return Maildir(folder).add(message)


def mail_of(subject: str = "Hello", text: str = "Dear site") -> EmailMessage:
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = subject, "s@picha.example", "a@v.example"
    message["Reply-To"], message["X-RcptTo"] = "visitor@v.example", "a@v.example, b@v.example"
    message.set_content(text)
    return message


def test_a_folder_that_does_not_exist_contains_no_mail(tmp_path: Path) -> None:
    assert maildir.newest(tmp_path / "nothing") == []


def test_a_mail_has_its_headers_and_its_text(tmp_path: Path) -> None:
    deliver(tmp_path / "mail", mail_of("Größe", "Zwölf <b>Boxkämpfer</b>"))

    (mail,) = maildir.newest(tmp_path / "mail")

    assert mail.subject == "Größe"
    assert mail.sender == "s@picha.example"
    assert mail.to == "a@v.example, b@v.example"
    assert mail.reply_to == "visitor@v.example"
    assert mail.text == "Zwölf <b>Boxkämpfer</b>\n"


def test_the_newest_mail_comes_first(tmp_path: Path) -> None:
    for number in range(3):
        key = deliver(tmp_path / "mail", mail_of(f"Number {number}"))
        os.utime(tmp_path / "mail" / "new" / key, (number, number))

    subjects = [mail.subject for mail in maildir.newest(tmp_path / "mail")]

    assert subjects == ["Number 2", "Number 1", "Number 0"]


@pytest.mark.parametrize("key", ["", "nothing", "../../secret-key", "new", "/etc/passwd"])
def test_a_key_that_is_no_mail_is_not_found(tmp_path: Path, key: str) -> None:
    (tmp_path / "secret-key").write_text("secret")
    deliver(tmp_path / "mail", mail_of())

    assert maildir.find(tmp_path / "mail", key=key) is None


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\xff\xfe\x00\x00",
        b"Subject: =?nonsense?q?x?=\n\nbody",
        b"Content-Type: text/plain; charset=klingon\n\nbody",
        b"Content-Type: multipart/mixed\n\nno parts",
        b"Date: never\nFrom: <<>>\nTo: ,,,\n\nbody",
    ],
)
def test_a_malformed_mail_does_not_hide_the_others(tmp_path: Path, raw: bytes) -> None:
    deliver(tmp_path / "mail", raw)
    deliver(tmp_path / "mail", mail_of("Seen"))

    assert "Seen" in {mail.subject for mail in maildir.newest(tmp_path / "mail")}

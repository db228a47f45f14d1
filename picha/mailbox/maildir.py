"""Maildir: reads the mail that the local mail server has saved."""

from dataclasses import dataclass
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path

LIST_LENGTH = 200


@dataclass(frozen=True, kw_only=True)
class Mail:
    key: str
    received_at: datetime
    subject: str
    sender: str
    to: str
    reply_to: str
    date: str
    text: str

    @property
    def received(self) -> str:
        return f"{self.received_at:%-d %b, %H:%M:%S}"


def newest(maildir: Path) -> list[Mail]:
    files = sorted(_files(maildir), key=lambda file: (_received(file), file.name), reverse=True)
    return [_read(file) for file in files[:LIST_LENGTH]]


def find(maildir: Path, *, key: str) -> Mail | None:
    return next((_read(file) for file in _files(maildir) if file.name == key), None)


def _files(maildir: Path) -> list[Path]:
    return [file for folder in ("new", "cur") for file in (maildir / folder).glob("*")]


def _received(file: Path) -> float:
    return file.stat().st_mtime


def _read(file: Path) -> Mail:
    message = BytesParser(EmailMessage, policy=policy.default).parsebytes(file.read_bytes())
    return Mail(
        key=file.name,
        received_at=datetime.fromtimestamp(_received(file)).astimezone(),
        subject=_header(message, "Subject"),
        sender=_header(message, "From"),
        # The mail server saves the recipients of the envelope in this header, Bcc included.
        to=_header(message, "X-RcptTo") or _header(message, "To"),
        reply_to=_header(message, "Reply-To"),
        date=_header(message, "Date"),
        text=_text(message),
    )


def _header(message: EmailMessage, name: str) -> str:
    try:
        return str(message.get(name, ""))
    except (ValueError, LookupError):  # the parser raises them for some malformed headers
        return "(unreadable)"


def _text(message: EmailMessage) -> str:
    body = message.get_body(preferencelist=("plain", "html"))
    if body is None:
        return ""
    try:
        return str(body.get_content())
    except (ValueError, LookupError):  # an unknown charset, for example
        return "(unreadable)"

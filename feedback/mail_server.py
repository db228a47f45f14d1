"""Giving emails to the mail server, and what its answers mean.

JobError
└── MailError
    ├── Deferred          not taken now: try again later
    │   └── Unreachable   nobody answers: try again later
    ├── NotAdmitted       this site may not log in: an operator must act
    ├── Refused           not taken, for good: do not try again
    └── Undecided         handed over, and then no answer: nobody can tell, so never again
"""

import smtplib
from contextlib import suppress
from typing import ClassVar, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from realtime.errors import JobError

_DJANGOS: Final = "django.core.mail.backends.smtp.EmailBackend"
_OURS: Final = "feedback.smtp_backend.EmailBackend"


class MailError(JobError):
    sentence: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(self.sentence)


class Deferred(MailError):
    code = "mail_deferred"
    sentence = "The mail server asks us to come back later."


class Unreachable(Deferred):
    code = "mail_unreachable"
    sentence = "The mail server does not answer."


class NotAdmitted(MailError):
    code = "mail_not_admitted"
    sentence = "The mail server does not let this site log in."


class Refused(MailError):
    code = "mail_refused"
    sentence = "The mail server will not take this email."


class Undecided(MailError):
    code = "mail_undecided"
    sentence = "The mail server took the email and fell silent. It may have arrived, or not."


class MailServerConnection:
    """One connection to the mail server, for several emails."""

    def __init__(self) -> None:
        backend = settings.EMAIL_BACKEND
        self._connection = get_connection(_OURS if backend == _DJANGOS else backend)

    def open(self) -> None:
        try:
            self._connection.open()
        except OSError as error:  # smtplib's exceptions are OSErrors too
            raise _no_entry(error) from error

    def send(self, email: EmailMessage) -> None:
        """Returns once the mail server has taken the email; raises `MailError` otherwise."""
        self.open()
        try:
            self._connection.send_messages([email])
        except OSError as error:
            verdict = self._verdict(error)
            # smtplib does not reset after a refused DATA, and the next email would be refused
            # with "nested MAIL command": begin anew.
            self.close()
            raise verdict from error

    def close(self) -> None:
        """Whatever goes wrong here, what was sent is sent."""
        with suppress(OSError):
            self._connection.close()

    def _verdict(self, error: OSError) -> MailError:
        code = _code(error)
        if code is None:
            undecided = getattr(self._connection, "handed_over", False)
            return Undecided() if undecided else Unreachable()
        return Deferred() if code < 500 else Refused()


def _no_entry(error: OSError) -> MailError:
    code = _code(error)
    match error:
        case smtplib.SMTPNotSupportedError():
            return NotAdmitted()
        case smtplib.SMTPAuthenticationError() if code is not None and code >= 500:
            return NotAdmitted()
    return Unreachable() if code is None else Deferred()


def _code(error: OSError) -> int | None:
    """The code with which the mail server said no; None when it has not answered so."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code = next(iter(error.recipients.values()))[0]
        case smtplib.SMTPResponseException():
            code = error.smtp_code
        case _:
            return None
    return code if 400 <= code < 600 else None

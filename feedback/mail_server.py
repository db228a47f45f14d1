"""MailServerConnection: sends emails and translates the errors of SMTP.

JobError
└── MailError
    ├── Deferred           the mail server refuses for now: try again later
    │   └── Unreachable    the mail server does not respond: try again later
    ├── LoginRefused       the site may not log in: an operator must act
    ├── EmailRefused       the mail server refuses for good: do not try again
    └── DeliveryUnknown    the email was sent, but not confirmed: it may have arrived, so never
                           send it again
"""

import smtplib
from contextlib import suppress
from typing import ClassVar, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from realtime.errors import JobError

_DJANGO_BACKEND: Final = "django.core.mail.backends.smtp.EmailBackend"
_OBSERVING_BACKEND: Final = "feedback.smtp_backend.EmailBackend"


class MailError(JobError):
    sentence: ClassVar[str]

    def __init__(self) -> None:
        super().__init__(self.sentence)


class Deferred(MailError):
    code = "mail_deferred"
    sentence = "The mail server does not accept the email at the moment."


class Unreachable(Deferred):
    code = "mail_unreachable"
    sentence = "The mail server does not answer."


class LoginRefused(MailError):
    code = "mail_not_admitted"
    sentence = "The mail server does not let this site log in."


class EmailRefused(MailError):
    code = "mail_refused"
    sentence = "The mail server refused this email."


class DeliveryUnknown(MailError):
    code = "mail_undecided"
    sentence = (
        "The mail server received this email but did not confirm it. "
        "The email may have arrived, or not."
    )


class MailServerConnection:
    """One connection for several emails; it is opened again after an error."""

    def __init__(self) -> None:
        backend = settings.EMAIL_BACKEND
        self._connection = get_connection(
            _OBSERVING_BACKEND if backend == _DJANGO_BACKEND else backend
        )

    def open(self) -> None:
        try:
            self._connection.open()
        except OSError as error:  # smtplib's exceptions are OSErrors too
            raise _error_on_opening(error) from error

    def send(self, email: EmailMessage) -> None:
        """Return when the mail server has accepted the email; raise `MailError` otherwise."""
        self.open()
        try:
            self._connection.send_messages([email])
        except OSError as error:
            mail_error = self._error_on_sending(error)
            # After a refused DATA smtplib sends no RSET, so the next email on this connection
            # would be refused with "nested MAIL command".
            self.close()
            raise mail_error from error

    def close(self) -> None:
        """Ignore errors: all emails have been sent or have failed before."""
        with suppress(OSError):
            self._connection.close()

    def _error_on_sending(self, error: OSError) -> MailError:
        code = _smtp_code(error)
        if code is None:
            is_content_sent = getattr(self._connection, "is_content_sent", False)
            return DeliveryUnknown() if is_content_sent else Unreachable()
        return Deferred() if code < 500 else EmailRefused()


def _error_on_opening(error: OSError) -> MailError:
    code = _smtp_code(error)
    match error:
        case smtplib.SMTPNotSupportedError():
            return LoginRefused()
        case smtplib.SMTPAuthenticationError() if code is not None and code >= 500:
            return LoginRefused()
    return Unreachable() if code is None else Deferred()


def _smtp_code(error: OSError) -> int | None:
    """The code (4xx or 5xx) of the mail server's response; None if there was no response."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code = next(iter(error.recipients.values()))[0]
        case smtplib.SMTPResponseException():
            code = error.smtp_code
        case _:
            return None
    return code if 400 <= code < 600 else None

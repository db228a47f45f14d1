"""MailServerConnection: sends emails and translates the errors of SMTP.

JobError
└── MailError
    ├── Deferred           the mail server refuses for now: try again later
    │   └── Unreachable    the mail server does not respond: try again later
    ├── Misconfigured      the site's settings do not fit the mail server: an operator must act,
    │   │                  and the email is sent when the settings are correct
    │   └── LoginRefused   the site may not log in
    ├── EmailRefused       the mail server refuses for good: do not try again
    └── DeliveryUnknown    the email was sent, but not confirmed: it may have arrived, so never
                           send it again
"""

import smtplib
import ssl
from contextlib import suppress
from typing import ClassVar, Final

from django.conf import settings
from django.core.mail import EmailMessage, get_connection

from realtime.errors import JobError

_DJANGO_BACKEND: Final = "django.core.mail.backends.smtp.EmailBackend"
_OBSERVING_BACKEND: Final = "feedback.smtp_backend.EmailBackend"

_LOGIN_CODES: Final = {530, 534, 535, 538}
"""RFC 4954 and 3207: the server wants a login, a safer login, or TLS. It is not about the email."""
_CONNECTION_LOST: Final = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


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


class Misconfigured(MailError):
    code = "mail_misconfigured"
    sentence = "The mail server answers, but this site is not set up correctly for it."


class LoginRefused(Misconfigured):
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
        # smtplib's exceptions are OSErrors. It raises UnicodeError for a name or a password that is
        # not ASCII.
        except (OSError, UnicodeError) as error:
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
        if isinstance(error, smtplib.SMTPHeloError):  # smtplib may greet as late as here
            return _error_on_opening(error)
        code = _smtp_code(error)
        if code is None:
            is_content_sent = getattr(self._connection, "is_content_sent", False)
            return DeliveryUnknown() if is_content_sent else Unreachable()
        if code in _LOGIN_CODES:
            return LoginRefused()
        return Deferred() if code < 500 else EmailRefused()


def _error_on_opening(error: OSError | UnicodeError) -> MailError:
    """Before an email is sent, each final refusal is about this site, not about the email."""
    code = _smtp_code(error)
    if code is not None and code < 500:
        return Deferred()
    match error:
        case smtplib.SMTPServerDisconnected():
            return Unreachable()
        case _ if isinstance(error, _CONNECTION_LOST):
            return Unreachable()
        case smtplib.SMTPAuthenticationError():
            return LoginRefused()
        # For example: no STARTTLS, no common way to log in, no SMTP at all, a certificate of
        # another host, TLS at a port without TLS.
        case smtplib.SMTPException() | ssl.SSLError() | UnicodeError():
            return Misconfigured()
    return Unreachable()


def _smtp_code(error: OSError | UnicodeError) -> int | None:
    """The code (4xx or 5xx) of the mail server's response; None if there was no response."""
    match error:
        case smtplib.SMTPRecipientsRefused():
            code = next(iter(error.recipients.values()))[0]
        case smtplib.SMTPResponseException():
            code = error.smtp_code
        case _:
            return None
    return code if 400 <= code < 600 else None

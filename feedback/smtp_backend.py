"""EmailBackend: Django's SMTP backend that also knows whether the content of an email was sent."""

import smtplib
from typing import Any

from django.conf import settings
from django.core.mail.backends import smtp


class _ObservedSMTP(smtplib.SMTP):
    is_content_sent = False
    """Whether the complete content of the newest email was sent, with its last line.

    Before that, the mail server cannot have accepted the email (RFC 5321 4.1.1.4). After that, only
    its response says whether it has.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """`EMAIL_EHLO_NAME` is the name for EHLO; without it, Django's: that of this machine."""
        if name := getattr(settings, "EMAIL_EHLO_NAME", ""):
            kwargs["local_hostname"] = name
        super().__init__(*args, **kwargs)

    def mail(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        self.is_content_sent = False
        return super().mail(*args, **kwargs)

    def send(self, s: Any) -> None:
        # smtplib sends commands as str, and the content of an email, in one call, as bytes.
        super().send(s)
        if isinstance(s, bytes):
            self.is_content_sent = True


class _ObservedSMTPOverTLS(_ObservedSMTP, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _ObservedSMTPOverTLS if self.use_ssl else _ObservedSMTP

    @property
    def is_content_sent(self) -> bool:
        return getattr(self.connection, "is_content_sent", False)

"""Django's SMTP backend, which in addition knows whether an email has been handed over."""

import smtplib
from typing import Any

from django.core.mail.backends import smtp


class _Observed(smtplib.SMTP):
    handed_over = False
    """Whether the server was given the whole of the newest email, its last line included.

    Until then it cannot have taken it (RFC 5321 4.1.1.4). From then on only its answer tells.
    """

    def mail(self, *args: Any, **kwargs: Any) -> tuple[int, bytes]:
        self.handed_over = False
        return super().mail(*args, **kwargs)

    def send(self, s: Any) -> None:
        # smtplib sends commands as text and an email's content, once, as bytes.
        super().send(s)
        if isinstance(s, bytes):
            self.handed_over = True


class _ObservedTLS(_Observed, smtplib.SMTP_SSL):
    pass


class EmailBackend(smtp.EmailBackend):
    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        return _ObservedTLS if self.use_ssl else _Observed

    @property
    def handed_over(self) -> bool:
        return getattr(self.connection, "handed_over", False)

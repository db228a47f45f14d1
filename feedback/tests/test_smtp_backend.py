import smtplib
import ssl
from pathlib import Path

import pytest
from django.core.mail import EmailMessage
from pytest_django import Settings

from feedback.smtp_backend import EmailBackend
from feedback.tests.certificates import self_signed
from feedback.tests.fake_mail_server import FakeMailServer, disconnect, run_server

EMAIL = EmailMessage(subject="Hello", body="Good day.", to=["ann@visitor.example"])


def backend_after_disconnect(fake_mail_server: FakeMailServer, command: str) -> EmailBackend:
    fake_mail_server.responses = {command: [disconnect]}
    backend = EmailBackend()
    backend.open()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        backend.send_messages([EMAIL])
    return backend


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA?"])
def test_before_data_the_content_is_not_sent(
    command: str, fake_mail_server: FakeMailServer
) -> None:
    backend = backend_after_disconnect(fake_mail_server, command)
    assert not backend.is_content_sent
    backend.close()


def test_after_data_the_content_is_sent(fake_mail_server: FakeMailServer) -> None:
    backend = backend_after_disconnect(fake_mail_server, "DATA")
    assert backend.is_content_sent
    backend.close()


def test_each_email_resets_is_content_sent(fake_mail_server: FakeMailServer) -> None:
    fake_mail_server.responses = {"RCPT": [None, "450 later"]}
    backend = EmailBackend()
    backend.open()
    backend.send_messages([EMAIL])
    is_first_sent = backend.is_content_sent
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        backend.send_messages([EMAIL])
    assert (is_first_sent, backend.is_content_sent) == (True, False)
    backend.close()


def test_without_a_connection_no_content_is_sent() -> None:
    assert not EmailBackend().is_content_sent


def test_use_ssl_selects_the_tls_connection() -> None:
    assert issubclass(EmailBackend(use_ssl=True).connection_class, smtplib.SMTP_SSL)
    assert not issubclass(EmailBackend(use_ssl=False).connection_class, smtplib.SMTP_SSL)


@pytest.mark.parametrize(
    ("name", "greeting"),
    [
        ("mail.picha.example", "mail.picha.example"),
        ("[192.0.2.1]", "[192.0.2.1]"),
        ("", "test.example"),
    ],
)
def test_the_name_in_the_greeting_is_a_setting(
    name: str, greeting: str, fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.EMAIL_EHLO_NAME = name
    backend = EmailBackend()
    backend.send_messages([EMAIL])
    assert fake_mail_server.client_names == [greeting]


def test_a_project_need_not_set_the_name_in_the_greeting(
    fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    del settings.EMAIL_EHLO_NAME
    EmailBackend().send_messages([EMAIL])
    assert fake_mail_server.client_names == ["test.example"]


def test_the_name_in_the_greeting_is_sent_over_tls_too(
    fake_mail_server: FakeMailServer, settings: Settings, tmp_path: Path
) -> None:
    settings.EMAIL_EHLO_NAME = "mail.picha.example"
    server = FakeMailServer()
    with run_server(server, tls=self_signed(tmp_path)) as settings.EMAIL_PORT:
        backend = EmailBackend(use_ssl=True)
        backend.ssl_context = ssl._create_unverified_context()
        backend.send_messages([EMAIL])
    assert server.client_names == ["mail.picha.example"]

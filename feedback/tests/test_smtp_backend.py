import smtplib

import pytest
from django.core.mail import EmailMessage

from feedback.smtp_backend import EmailBackend
from feedback.tests.fake_mail_server import FakeMailServer, hang_up

EMAIL = EmailMessage(subject="Hello", body="Good day.", to=["ann@visitor.example"])


def failed(fake_mail_server: FakeMailServer, command: str) -> EmailBackend:
    fake_mail_server.answers = {command: [hang_up]}
    backend = EmailBackend()
    backend.open()
    with pytest.raises(smtplib.SMTPServerDisconnected):
        backend.send_messages([EMAIL])
    return backend


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA?"])
def test_until_the_content_is_sent_nothing_is_handed_over(
    command: str, fake_mail_server: FakeMailServer
) -> None:
    backend = failed(fake_mail_server, command)
    assert not backend.handed_over
    backend.close()


def test_once_the_content_is_sent_it_is_handed_over(fake_mail_server: FakeMailServer) -> None:
    backend = failed(fake_mail_server, "DATA")
    assert backend.handed_over
    backend.close()


def test_each_email_begins_anew(fake_mail_server: FakeMailServer) -> None:
    fake_mail_server.answers = {"RCPT": [None, "450 later"]}
    backend = EmailBackend()
    backend.open()
    backend.send_messages([EMAIL])
    handed_over = [backend.handed_over]
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        backend.send_messages([EMAIL])
    assert [*handed_over, backend.handed_over] == [True, False]
    backend.close()


def test_without_a_connection_nothing_is_handed_over() -> None:
    assert not EmailBackend().handed_over


def test_it_speaks_tls_where_that_is_asked_for() -> None:
    assert issubclass(EmailBackend(use_ssl=True).connection_class, smtplib.SMTP_SSL)
    assert not issubclass(EmailBackend(use_ssl=False).connection_class, smtplib.SMTP_SSL)

from pathlib import Path

import pytest
from django.core import mail
from django.core.mail import EmailMessage
from pytest_django import Settings

from feedback.mail_server import (
    Deferred,
    DeliveryUnknown,
    EmailRefused,
    LoginRefused,
    MailError,
    MailServerConnection,
    Misconfigured,
    Unreachable,
)
from feedback.tests.certificates import self_signed
from feedback.tests.fake_mail_server import (
    SHORT_TIMEOUT,
    SILENT,
    EndConnection,
    FakeMailServer,
    Response,
    disconnect,
    reset,
    run_server,
    run_server_that_reads_no_content,
    run_server_that_sends,
    stop_responding,
    wait_for_timeout,
)
from realtime.tests.support.ports import free_port


def email(to: str = "ann@visitor.example") -> EmailMessage:
    return EmailMessage(subject="Hello", body="Good day.", to=[to])


def send(*emails: EmailMessage) -> list[type[MailError] | None]:
    connection, results = MailServerConnection(), list[type[MailError] | None]()
    for message in emails:
        try:
            connection.send(message)
        except MailError as error:
            results.append(type(error))
        else:
            results.append(None)
    connection.close()
    return results


def test_several_emails_go_through_one_connection(fake_mail_server: FakeMailServer) -> None:
    assert send(email("ann@visitor.example"), email("bob@visitor.example")) == [None, None]
    assert fake_mail_server.recipients == ["ann@visitor.example", "bob@visitor.example"]
    assert fake_mail_server.connections == 1


@pytest.mark.parametrize(
    ("command", "response", "error"),
    [
        ("MAIL", "451 not now", Deferred),
        ("MAIL", "550 not you", EmailRefused),
        ("MAIL", disconnect, Unreachable),
        pytest.param("MAIL", stop_responding, Unreachable, marks=pytest.mark.once),
        ("RCPT", "450 greylisted", Deferred),
        ("RCPT", "421 too many", Deferred),
        ("RCPT", "550 no such user", EmailRefused),
        ("RCPT", disconnect, Unreachable),
        pytest.param("RCPT", stop_responding, Unreachable, marks=pytest.mark.once),
        ("DATA?", "451 not now", Deferred),
        ("DATA?", "554 not this", EmailRefused),
        ("DATA?", disconnect, Unreachable),
        pytest.param("DATA?", stop_responding, Unreachable, marks=pytest.mark.once),
        ("DATA", "451 no room", Deferred),
        ("DATA", "554 spam", EmailRefused),
        ("DATA", disconnect, DeliveryUnknown),
        pytest.param("DATA", stop_responding, DeliveryUnknown, marks=pytest.mark.once),
        ("DATA", "gibberish", DeliveryUnknown),
        ("MAIL", "530 authentication required", LoginRefused),
        ("MAIL", "534 mechanism too weak", LoginRefused),
        ("MAIL", "538 encryption required", LoginRefused),
        ("RCPT", "530 must issue STARTTLS first", LoginRefused),
        ("DATA?", "535 not logged in", LoginRefused),
        ("MAIL", "553 sender not allowed", EmailRefused),
    ],
)
def test_each_response_gives_its_error(
    command: str, response: Response, error: type[MailError], fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.responses = {command: [response]}
    assert send(email()) == [error]
    assert fake_mail_server.emails == []


@pytest.mark.parametrize("end_connection", [reset, wait_for_timeout])
def test_an_email_that_was_not_sent_completely_is_unreachable(
    end_connection: EndConnection, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER = "127.0.0.1", ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_TIMEOUT = SHORT_TIMEOUT
    large = EmailMessage(
        subject="Hello", body="Good day.\n" * 4_000_000, to=["ann@visitor.example"]
    )
    with run_server_that_reads_no_content(end_connection) as settings.EMAIL_PORT:
        assert send(large) == [Unreachable]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA?", "DATA"])
@pytest.mark.parametrize("response", ["451 later", "550 never", disconnect, SILENT])
def test_an_error_with_one_email_does_not_affect_the_next(
    command: str, response: Response, fake_mail_server: FakeMailServer
) -> None:
    """After a refused DATA smtplib sends no RSET, so the next MAIL would be refused."""
    fake_mail_server.responses = {command: [response]}
    first, second = send(email("ann@visitor.example"), email("bob@visitor.example"))
    assert first is not None
    assert second is None
    assert fake_mail_server.recipients == ["bob@visitor.example"]


def test_a_server_that_is_down_is_unreachable(
    fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.EMAIL_PORT = free_port()
    connection = MailServerConnection()
    with pytest.raises(Unreachable, match="does not answer"):
        connection.open()
    connection.close()


@pytest.mark.parametrize(
    ("greeting", "error"),
    [
        (b"554 no service for you\r\n", Misconfigured),
        (b"550 you are on a list\r\n", Misconfigured),
        (b"421 too busy\r\n", Deferred),
        (b"454 not just now\r\n", Deferred),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", Misconfigured),
        (b"", Unreachable),
    ],
)
def test_each_greeting_gives_its_error(
    greeting: bytes, error: type[MailError], fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    with run_server_that_sends(greeting) as settings.EMAIL_PORT:
        assert send(email()) == [error]


@pytest.mark.parametrize("use_login", [True, False])
@pytest.mark.parametrize(
    ("response", "error"),
    [("550 who are you?", Misconfigured), ("451 later", Deferred), (disconnect, Unreachable)],
)
def test_a_refused_name_of_this_site_is_not_about_the_email(
    response: Response,
    error: type[MailError],
    use_login: bool,
    fake_mail_server: FakeMailServer,
    settings: Settings,
) -> None:
    if use_login:
        settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "picha", "secret"
    fake_mail_server.responses = {"EHLO": [response], "HELO": [response]}
    assert send(email()) == [error]


@pytest.mark.parametrize(
    ("response", "error"),
    [
        ("535 wrong password", LoginRefused),
        ("534 mechanism too weak", LoginRefused),
        ("454 not just now", Deferred),
        (None, None),
    ],
)
def test_a_refused_login_has_its_own_error(
    response: str | None,
    error: type[MailError] | None,
    fake_mail_server: FakeMailServer,
    settings: Settings,
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "picha", "secret"
    fake_mail_server.responses = {"AUTH": [response, response, response]}
    assert send(email(), email("bob@visitor.example"))[0] is error


@pytest.mark.parametrize("mechanisms", ["GSSAPI NTLM", "XOAUTH2"])
def test_a_server_without_a_common_way_to_log_in_is_a_wrong_setting(
    mechanisms: str, fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "picha", "secret"
    fake_mail_server.auth_mechanisms = mechanisms
    assert send(email()) == [Misconfigured]


@pytest.mark.parametrize("mechanisms", ["PLAIN", "LOGIN"])
@pytest.mark.parametrize(("user", "password"), [("picha", "pässword"), ("büro", "secret")])
def test_a_login_that_smtp_cannot_send_is_a_wrong_setting(
    user: str,
    password: str,
    mechanisms: str,
    fake_mail_server: FakeMailServer,
    settings: Settings,
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = user, password
    fake_mail_server.auth_mechanisms = mechanisms
    assert send(email()) == [Misconfigured]


def test_a_server_without_starttls_is_a_wrong_setting(
    fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.EMAIL_USE_TLS = True
    assert send(email()) == [Misconfigured]


def test_tls_at_a_port_without_tls_is_a_wrong_setting(
    fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.EMAIL_USE_SSL = True
    assert send(email()) == [Misconfigured]


@pytest.mark.parametrize("starttls", [True, False])
def test_a_certificate_that_does_not_fit_is_a_wrong_setting(
    starttls: bool, fake_mail_server: FakeMailServer, settings: Settings, tmp_path: Path
) -> None:
    settings.EMAIL_USE_TLS, settings.EMAIL_USE_SSL = starttls, not starttls
    tls = self_signed(tmp_path)
    with run_server(FakeMailServer(), tls=tls, starttls=starttls) as settings.EMAIL_PORT:
        assert send(email()) == [Misconfigured]


def test_a_connection_that_is_lost_during_the_handshake_is_unreachable(
    fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.EMAIL_USE_SSL = True
    with run_server_that_sends(b"") as settings.EMAIL_PORT:
        assert send(email()) == [Unreachable]


def test_an_error_after_the_email_is_ignored(fake_mail_server: FakeMailServer) -> None:
    fake_mail_server.responses = {"QUIT": [disconnect]}
    assert send(email()) == [None]
    assert fake_mail_server.recipients == ["ann@visitor.example"]


def test_other_email_backends_are_used_unchanged(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    assert send(email()) == [None]
    assert [message.subject for message in mail.outbox] == ["Hello"]


def test_every_error_has_a_sentence_and_a_code() -> None:
    errors = [
        error()
        for error in (
            Deferred,
            Unreachable,
            Misconfigured,
            LoginRefused,
            EmailRefused,
            DeliveryUnknown,
        )
    ]
    assert all(str(error).endswith(".") for error in errors)
    assert len({error.code for error in errors}) == len(errors)

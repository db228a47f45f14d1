import pytest
from django.core import mail
from django.core.mail import EmailMessage
from pytest_django import Settings

from feedback.mail_server import (
    Deferred,
    MailError,
    MailServerConnection,
    NotAdmitted,
    Refused,
    Undecided,
    Unreachable,
)
from feedback.tests.fake_mail_server import (
    SILENCE,
    SILENT,
    Answer,
    Ending,
    FakeMailServer,
    breaking_off,
    fall_silent,
    hang_up,
    reset,
    stall,
)
from realtime.tests.ports import free_port


def email(to: str = "ann@visitor.example") -> EmailMessage:
    return EmailMessage(subject="Hello", body="Good day.", to=[to])


def send(*emails: EmailMessage) -> list[type[MailError] | None]:
    connection, results = MailServerConnection(), list[type[MailError] | None]()
    for one in emails:
        try:
            connection.send(one)
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
    ("command", "answer", "verdict"),
    [
        ("MAIL", "451 not now", Deferred),
        ("MAIL", "550 not you", Refused),
        ("MAIL", hang_up, Unreachable),
        pytest.param("MAIL", fall_silent, Unreachable, marks=pytest.mark.once),
        ("RCPT", "450 greylisted", Deferred),
        ("RCPT", "421 too many", Deferred),
        ("RCPT", "550 no such user", Refused),
        ("RCPT", hang_up, Unreachable),
        pytest.param("RCPT", fall_silent, Unreachable, marks=pytest.mark.once),
        ("DATA?", "451 not now", Deferred),
        ("DATA?", "554 not this", Refused),
        ("DATA?", hang_up, Unreachable),
        pytest.param("DATA?", fall_silent, Unreachable, marks=pytest.mark.once),
        ("DATA", "451 no room", Deferred),
        ("DATA", "554 spam", Refused),
        ("DATA", hang_up, Undecided),
        pytest.param("DATA", fall_silent, Undecided, marks=pytest.mark.once),
        ("DATA", "gibberish", Undecided),
    ],
)
def test_each_answer_has_its_meaning(
    command: str, answer: Answer, verdict: type[MailError], fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.answers = {command: [answer]}
    assert send(email()) == [verdict]
    assert fake_mail_server.emails == []


@pytest.mark.parametrize("ending", [reset, stall])
def test_an_email_that_did_not_go_out_whole_may_go_out_again(
    ending: Ending, settings: Settings
) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_HOST_USER = "127.0.0.1", ""
    settings.EMAIL_USE_TLS = settings.EMAIL_USE_SSL = False
    settings.EMAIL_TIMEOUT = SILENCE
    large = EmailMessage(
        subject="Hello", body="Good day.\n" * 4_000_000, to=["ann@visitor.example"]
    )
    with breaking_off(ending) as settings.EMAIL_PORT:
        assert send(large) == [Unreachable]


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA?", "DATA"])
@pytest.mark.parametrize("answer", ["451 later", "550 never", hang_up, SILENT])
def test_what_goes_wrong_with_one_email_does_not_touch_the_next(
    command: str, answer: Answer, fake_mail_server: FakeMailServer
) -> None:
    """smtplib does not reset after a refused DATA: the next MAIL would be out of turn."""
    fake_mail_server.answers = {command: [answer]}
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
    ("answer", "verdict"),
    [("535 wrong password", NotAdmitted), ("454 not just now", Deferred), (None, None)],
)
def test_a_login_that_is_refused_is_no_silence(
    answer: str | None,
    verdict: type[MailError] | None,
    fake_mail_server: FakeMailServer,
    settings: Settings,
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "picha", "secret"
    fake_mail_server.answers = {"AUTH": [answer, answer, answer]}
    assert send(email(), email("bob@visitor.example"))[0] is verdict


def test_a_server_without_the_tls_that_is_asked_for_admits_nobody(
    fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.EMAIL_USE_TLS = True
    assert send(email()) == [NotAdmitted]


def test_a_server_that_dies_after_the_email_has_taken_it(fake_mail_server: FakeMailServer) -> None:
    fake_mail_server.answers = {"QUIT": [hang_up]}
    assert send(email()) == [None]
    assert fake_mail_server.recipients == ["ann@visitor.example"]


def test_another_backend_of_djangos_is_left_as_it_is(settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []
    assert send(email()) == [None]
    assert [one.subject for one in mail.outbox] == ["Hello"]


def test_every_error_has_a_sentence_and_a_code() -> None:
    errors = [Deferred(), Unreachable(), NotAdmitted(), Refused(), Undecided()]
    assert all(str(error).endswith(".") for error in errors)
    assert len({error.code for error in errors}) == len(errors)

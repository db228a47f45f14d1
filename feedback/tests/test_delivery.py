import pytest
from pytest_django import Settings

from feedback.delivery import NotDelivered, PartlyDelivered
from feedback.mail_server import Deferred, Misconfigured, Unreachable
from feedback.models import Feedback
from feedback.sentences import CONFIRMATION_GIVEN_UP, DELIVERED
from feedback.tests.attempts import Attempts
from feedback.tests.fake_mail_server import (
    SHORT_TIMEOUT,
    SILENT,
    FakeMailServer,
    Response,
    disconnect,
    stop_responding,
)
from realtime.jobs import lease
from realtime.models import JobItem
from realtime.progress import Progress
from realtime.tests.support.ports import free_port

pytestmark = pytest.mark.django_db

TEAM_AND_VISITOR = ["team@picha.example", "ann@visitor.example"]


@pytest.fixture
def attempts(fake_mail_server: FakeMailServer) -> Attempts:
    return Attempts()


def test_the_team_and_the_visitor_get_an_email(
    attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    assert attempts.run() == {"sent": 2}
    assert fake_mail_server.recipients == TEAM_AND_VISITOR
    assert fake_mail_server.connections == 1
    assert attempts.outcomes == {"team-1": "sent", "visitor": "sent"}


def test_the_page_shows_the_progress(attempts: Attempts) -> None:
    attempts.run()
    fields = attempts.progress_fields
    assert fields["phases"] == [
        ["Writing", "done"],
        ["Connecting to the mail server", "done"],
        ["Sending", "done"],
    ]
    assert (fields["done"], fields["total"], fields["unit"]) == (2, 2, "email")
    assert fields["message"] == (
        "Your feedback has been delivered. A confirmation is on its way to you."
    )


def test_the_page_shows_no_address(attempts: Attempts, fake_mail_server: FakeMailServer) -> None:
    fake_mail_server.responses = {"RCPT": ["550 <team@picha.example> is unknown here", None]}
    with pytest.raises(NotDelivered) as error:
        attempts.run()
    assert "@" not in f"{attempts.progress_fields}{error.value}"
    assert not any("@" in f"{item.label}{item.detail}" for item in JobItem.objects.all())


def test_a_second_attempt_sends_no_email_twice(
    attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    attempts.run()
    fake_mail_server.connections = 0
    assert attempts.run() == {"sent": 2}
    assert fake_mail_server.recipients == TEAM_AND_VISITOR
    assert fake_mail_server.connections == 0


def test_a_retry_sends_when_the_server_is_back(
    attempts: Attempts, fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, free_port()
    with pytest.raises(Unreachable):
        attempts.run()
    assert attempts.outcomes == {"team-1": "waiting", "visitor": "waiting"}
    settings.EMAIL_PORT = port
    assert attempts.run(is_retry=True) == {"sent": 2}


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA?"])
@pytest.mark.parametrize("response", ["451 later", disconnect, SILENT])
def test_an_error_with_the_second_email_does_not_repeat_the_first(
    command: str, response: Response, attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.responses = {command: [None, response]}
    with pytest.raises(PartlyDelivered):
        attempts.run()
    assert attempts.outcomes == {"team-1": "sent", "visitor": "waiting"}
    assert attempts.run(is_retry=True) == {"sent": 2}
    assert fake_mail_server.recipients == TEAM_AND_VISITOR


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA?", "DATA"])
def test_the_confirmation_waits_for_the_email_to_the_team(
    command: str, attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.responses = {command: ["450 later"]}
    with pytest.raises(Deferred):
        attempts.run()
    assert attempts.outcomes == {"team-1": "waiting", "visitor": "waiting"}
    assert fake_mail_server.recipients == []
    attempts.run(is_retry=True)
    assert fake_mail_server.recipients == TEAM_AND_VISITOR


def test_a_deferred_address_of_the_team_does_not_delay_the_others(
    attempts: Attempts, fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.FEEDBACK_RECIPIENTS = ["one@picha.example", "two@picha.example"]
    fake_mail_server.responses = {"RCPT": ["450 greylisted"]}
    with pytest.raises(PartlyDelivered, match="A confirmation is on its way to you"):
        attempts.run()
    assert attempts.outcomes == {"team-1": "waiting", "team-2": "sent", "visitor": "sent"}
    assert attempts.run(is_retry=True) == {"sent": 3}


def test_the_last_attempt_of_a_delivered_feedback_succeeds(
    attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.responses = {"RCPT": [None, "450 greylisted", "421 too many"]}
    with pytest.raises(PartlyDelivered, match="Our confirmation to you has to wait"):
        attempts.run()
    assert attempts.run(is_retry=True, is_last=True) == {"sent": 1}
    assert attempts.outcomes == {"team-1": "sent", "visitor": "failed"}
    assert attempts.progress_fields["message"] == f"{DELIVERED} {CONFIRMATION_GIVEN_UP}"
    assert attempts.run() == {"sent": 2}, "an operator can have it sent"


def test_the_last_attempt_succeeds_also_without_a_connection(
    attempts: Attempts, fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    fake_mail_server.responses = {"RCPT": [None, "450 greylisted"]}
    with pytest.raises(PartlyDelivered):
        attempts.run()
    settings.EMAIL_PORT = free_port()
    with pytest.raises(PartlyDelivered):
        attempts.run(is_retry=True)
    assert attempts.run(is_retry=True, is_last=True) == {"sent": 1}
    assert attempts.outcomes == {"team-1": "sent", "visitor": "failed"}


def test_the_last_attempt_without_a_delivery_does_not_succeed(
    attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.responses = {"RCPT": ["450 greylisted"]}
    with pytest.raises(Deferred):
        attempts.run(is_last=True)
    assert attempts.outcomes == {"team-1": "waiting", "visitor": "waiting"}


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "EHLO"])
def test_feedback_waits_until_the_settings_are_corrected(
    command: str, attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    response = "550 who are you?" if command == "EHLO" else "530 authentication required"
    fake_mail_server.responses = {command: [response], "HELO": [response]}
    with pytest.raises(Misconfigured):
        attempts.run()
    assert attempts.outcomes == {"team-1": "waiting", "visitor": "waiting"}
    assert attempts.run(is_retry=True) == {"sent": 2}
    assert fake_mail_server.recipients == TEAM_AND_VISITOR


def test_an_unconfirmed_email_is_never_sent_again(
    attempts: Attempts, fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.EMAIL_TIMEOUT = SHORT_TIMEOUT
    fake_mail_server.responses = {"DATA": [stop_responding]}
    with pytest.raises(NotDelivered, match="may have arrived, or not"):
        attempts.run()
    assert attempts.outcomes == {"team-1": "unknown", "visitor": "waiting"}
    for is_retry in (True, False):
        with pytest.raises(NotDelivered, match="may have arrived, or not"):
            attempts.run(is_retry=is_retry)
    assert fake_mail_server.recipients == []


def test_an_email_whose_worker_died_is_never_sent_again(
    attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    job = lease.claim(attempts.job_id, worker="dies")
    assert job
    assert Progress(job).begin("team-1", "sending")
    with pytest.raises(NotDelivered, match="may have arrived, or not"):
        attempts.run()
    assert attempts.outcomes == {"team-1": "unknown", "visitor": "waiting"}
    assert fake_mail_server.recipients == []


def test_a_refused_confirmation_does_not_make_the_feedback_fail(
    attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.responses = {"RCPT": [None, "550 no such user"]}
    assert attempts.run() == {"sent": 1}
    assert attempts.outcomes == {"team-1": "sent", "visitor": "failed"}
    assert attempts.progress_fields["message"].startswith(
        "Your feedback has been delivered. The mail server ref"
    )


def test_the_page_says_that_a_confirmation_is_unconfirmed(
    attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.responses = {"DATA": [None, disconnect]}
    assert attempts.run() == {"sent": 1}
    assert attempts.progress_fields["message"].startswith(
        "Your feedback has been delivered. We do not know"
    )


def test_a_refused_feedback_fails(attempts: Attempts, fake_mail_server: FakeMailServer) -> None:
    fake_mail_server.responses = {"RCPT": ["550 no such user"]}
    with pytest.raises(NotDelivered, match="refused your feedback"):
        attempts.run()
    assert attempts.outcomes == {"team-1": "failed", "visitor": "waiting"}


def test_a_refused_email_is_sent_again_by_an_operator_only(
    attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.responses = {"RCPT": ["550 no such user"]}
    for is_retry in (False, True):
        with pytest.raises(NotDelivered):
            attempts.run(is_retry=is_retry)
    assert fake_mail_server.recipients == []
    assert attempts.run() == {"sent": 2}
    assert fake_mail_server.recipients == TEAM_AND_VISITOR


def test_one_address_of_the_team_is_enough(
    attempts: Attempts, fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.FEEDBACK_RECIPIENTS = ["one@picha.example", "two@picha.example"]
    fake_mail_server.responses = {"RCPT": ["550 no such user"]}
    assert attempts.run() == {"sent": 2}
    assert fake_mail_server.recipients == ["two@picha.example", "ann@visitor.example"]


def test_the_page_says_why_there_is_no_confirmation(
    attempts: Attempts, fake_mail_server: FakeMailServer
) -> None:
    Feedback.objects.update(confirms=False)
    assert attempts.run() == {"sent": 1}
    assert fake_mail_server.recipients == ["team@picha.example"]
    assert attempts.outcomes == {"team-1": "sent", "visitor": "left out"}
    assert attempts.progress_fields["message"] == (
        "Your feedback has been delivered. You get no confirmation. "
        "This address got 5 confirmations within an hour."
    )

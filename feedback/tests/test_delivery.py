from typing import Any
from uuid import UUID

import pytest
from pytest_django import Settings

from feedback import submit
from feedback.delivery import Delivery, NotDelivered
from feedback.forms import Submission
from feedback.mail_server import Deferred, Unreachable
from feedback.models import Feedback
from feedback.tests.fake_mail_server import (
    SILENCE,
    SILENT,
    Answer,
    FakeMailServer,
    fall_silent,
    hang_up,
)
from realtime.models import Job, JobItem
from realtime.progress import Progress
from realtime.tests.ports import free_port

pytestmark = pytest.mark.django_db

BOTH = ["team@picha.example", "ann@visitor.example"]


class Run:
    """Attempts to deliver one feedback, as a worker makes them."""

    def __init__(self) -> None:
        submission = Submission(id="1", email="ann@visitor.example", message="Hello")
        self.job_id: UUID = submit.submit_feedback(submission)
        self.progress: Progress | None = None

    def attempt(self, *, is_retry: bool = False) -> dict[str, int]:
        Job.objects.filter(pk=self.job_id).update(state="queued")
        job = Job.objects.claim(self.job_id, worker="test")
        assert job
        self.progress = Progress(job)
        feedback = Feedback.objects.get(job_id=self.job_id)
        return Delivery(feedback, self.progress, is_retry=is_retry).run()

    @property
    def looks(self) -> dict[str, Any]:
        assert self.progress
        return self.progress.look()

    @property
    def outcomes(self) -> dict[str, str]:
        assert self.progress
        self.progress.persist()
        return dict(JobItem.objects.filter(job=self.job_id).values_list("key", "outcome"))


@pytest.fixture
def run(fake_mail_server: FakeMailServer) -> Run:
    return Run()


def test_the_team_and_the_visitor_are_written_to(
    run: Run, fake_mail_server: FakeMailServer
) -> None:
    assert run.attempt() == {"sent": 2}
    assert fake_mail_server.recipients == BOTH
    assert fake_mail_server.connections == 1
    assert run.outcomes == {"team-1": "sent", "visitor": "sent"}


def test_the_page_shows_how_far_it_is(run: Run) -> None:
    run.attempt()
    looks = run.looks
    assert looks["phases"] == [
        ["Writing", "done"],
        ["Connecting to the mail server", "done"],
        ["Sending", "done"],
    ]
    assert (looks["done"], looks["total"], looks["unit"]) == (2, 2, "email")
    assert looks["message"] == (
        "Your feedback has been delivered. A confirmation is on its way to you."
    )


def test_the_page_shows_no_address(run: Run, fake_mail_server: FakeMailServer) -> None:
    fake_mail_server.answers = {"RCPT": ["550 <team@picha.example> is unknown here", None]}
    with pytest.raises(NotDelivered) as error:
        run.attempt()
    assert "@" not in f"{run.looks}{error.value}"
    assert not any("@" in f"{item.label}{item.detail}" for item in JobItem.objects.all())


def test_a_second_attempt_sends_nothing_again(run: Run, fake_mail_server: FakeMailServer) -> None:
    run.attempt()
    fake_mail_server.connections = 0
    assert run.attempt() == {"sent": 2}
    assert fake_mail_server.recipients == BOTH
    assert fake_mail_server.connections == 0


def test_a_server_that_is_down_is_tried_again(
    run: Run, fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    port, settings.EMAIL_PORT = settings.EMAIL_PORT, free_port()
    with pytest.raises(Unreachable):
        run.attempt()
    assert run.outcomes == {"team-1": "waiting", "visitor": "waiting"}
    settings.EMAIL_PORT = port
    assert run.attempt(is_retry=True) == {"sent": 2}


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA?"])
@pytest.mark.parametrize("answer", ["451 later", hang_up, SILENT])
def test_a_server_that_dies_between_the_two_does_not_double_the_first(
    command: str, answer: Answer, run: Run, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.answers = {command: [None, answer]}
    with pytest.raises(Deferred):
        run.attempt()
    assert run.outcomes == {"team-1": "sent", "visitor": "waiting"}
    assert run.attempt(is_retry=True) == {"sent": 2}
    assert fake_mail_server.recipients == BOTH


def test_one_that_has_to_wait_does_not_hold_up_the_other(
    run: Run, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.answers = {"RCPT": ["450 greylisted"]}
    with pytest.raises(Deferred):
        run.attempt()
    assert run.outcomes == {"team-1": "waiting", "visitor": "sent"}
    run.attempt(is_retry=True)
    assert fake_mail_server.recipients == BOTH[::-1]


def test_silence_after_the_content_is_never_repeated(
    run: Run, fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.EMAIL_TIMEOUT = SILENCE
    fake_mail_server.answers = {"DATA": [fall_silent]}
    with pytest.raises(NotDelivered, match="may have arrived, or not"):
        run.attempt()
    assert run.outcomes == {"team-1": "unknown", "visitor": "sent"}
    for is_retry in (True, False):
        with pytest.raises(NotDelivered, match="may have arrived, or not"):
            run.attempt(is_retry=is_retry)
    assert fake_mail_server.recipients == ["ann@visitor.example"]


def test_a_worker_that_died_while_sending_is_not_repeated(
    run: Run, fake_mail_server: FakeMailServer
) -> None:
    job = Job.objects.claim(run.job_id, worker="dies")
    assert job
    assert Progress(job).begin("team-1", "sending")
    with pytest.raises(NotDelivered, match="may have arrived, or not"):
        run.attempt()
    assert run.outcomes == {"team-1": "unknown", "visitor": "sent"}
    assert fake_mail_server.recipients == ["ann@visitor.example"]


def test_a_refused_confirmation_does_not_make_the_feedback_fail(
    run: Run, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.answers = {"RCPT": [None, "550 no such user"]}
    assert run.attempt() == {"sent": 1}
    assert run.outcomes == {"team-1": "sent", "visitor": "failed"}
    assert run.looks["message"].startswith("Your feedback has been delivered. The mail server ref")


def test_an_undecided_confirmation_is_said_to_be_so(
    run: Run, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.answers = {"DATA": [None, hang_up]}
    assert run.attempt() == {"sent": 1}
    assert run.looks["message"].startswith("Your feedback has been delivered. Nobody can tell")


def test_refused_feedback_is_a_failure(run: Run, fake_mail_server: FakeMailServer) -> None:
    fake_mail_server.answers = {"RCPT": ["550 no such user"]}
    with pytest.raises(NotDelivered, match="will not take your feedback"):
        run.attempt()
    assert run.outcomes == {"team-1": "failed", "visitor": "sent"}


def test_a_refusal_is_not_asked_again_by_a_retry_but_by_a_new_run(
    run: Run, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.answers = {"RCPT": ["550 no such user", "451 later"]}
    with pytest.raises(Deferred):
        run.attempt()
    with pytest.raises(NotDelivered):
        run.attempt(is_retry=True)
    assert fake_mail_server.recipients == ["ann@visitor.example"]
    assert run.attempt() == {"sent": 2}


def test_one_address_of_the_team_is_enough(
    run: Run, fake_mail_server: FakeMailServer, settings: Settings
) -> None:
    settings.FEEDBACK_RECIPIENTS = ["one@picha.example", "two@picha.example"]
    fake_mail_server.answers = {"RCPT": ["550 no such user"]}
    assert run.attempt() == {"sent": 2}
    assert fake_mail_server.recipients == ["two@picha.example", "ann@visitor.example"]


def test_over_the_cap_the_visitor_is_told(run: Run, fake_mail_server: FakeMailServer) -> None:
    Feedback.objects.update(confirms=False)
    assert run.attempt() == {"sent": 1}
    assert fake_mail_server.recipients == ["team@picha.example"]
    assert run.outcomes == {"team-1": "sent", "visitor": "left out"}
    assert run.looks["message"] == (
        "Your feedback has been delivered. You are sent no confirmation. "
        "This address has had 5 of them within an hour."
    )

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest
from celery.exceptions import Retry
from pytest_django import Settings

from feedback import tasks
from feedback.delivery import NotDelivered, PartlyDelivered
from feedback.mail_server import LoginRefused, Misconfigured, Unreachable
from feedback.models import Feedback
from feedback.sentences import CONFIRMATION_WAITS, DELIVERED
from feedback.tasks import DELAYS, send_feedback_email_task
from feedback.tests.fake_mail_server import FakeMailServer
from realtime.states import JobState
from realtime.testing import run_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def feedback() -> Feedback:
    return Feedback.objects.create(
        email="ann@visitor.example", message="Hello", submission="1", confirms=True
    )


@contextmanager
def request(*, retries: int) -> Iterator[None]:
    """The request of a task that a worker runs, after so many retries."""
    send_feedback_email_task.push_request(
        id=str(uuid4()), retries=retries, args=(), kwargs={"feedback_id": 1}, called_directly=False
    )
    try:
        yield
    finally:
        send_feedback_email_task.pop_request()


def run_until_retry(feedback: Feedback, *, retries: int, deferrals: int) -> Any:
    with request(retries=retries), pytest.raises(Retry) as retry:
        send_feedback_email_task.run(feedback_id=feedback.pk, deferrals=deferrals)
    return retry.value


def replace_delivery(
    monkeypatch: pytest.MonkeyPatch, result: Exception | dict[str, int]
) -> list[tuple[bool, bool]]:
    """Deliveries have this result; return a list that gets `is_retry` and `is_last` of each."""
    attempts: list[tuple[bool, bool]] = []

    class FakeDelivery:
        def __init__(
            self, feedback: Feedback, progress: object, *, is_retry: bool, is_last: bool
        ) -> None:
            attempts.append((is_retry, is_last))

        def run(self) -> dict[str, int]:
            if isinstance(result, Exception):
                raise result
            return result

    monkeypatch.setattr(tasks, "Delivery", FakeDelivery)
    return attempts


def test_the_task_has_its_name() -> None:
    assert send_feedback_email_task.name == "send_feedback_email_task"


def test_the_result_is_that_of_the_delivery(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_delivery(monkeypatch, {"sent": 2})
    with request(retries=0):
        assert send_feedback_email_task.run(feedback_id=feedback.pk) == {"sent": 2}


def test_the_delivery_knows_whether_it_is_a_retry_and_the_last(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = replace_delivery(monkeypatch, {"sent": 2})
    last = len(DELAYS)
    for retries, deferrals in ((0, 0), (1, 0), (last, last - 1), (last, last), (0, last)):
        with request(retries=retries):
            send_feedback_email_task.run(feedback_id=feedback.pk, deferrals=deferrals)
    assert attempts == [(False, False), (True, False), (True, False), (True, True), (False, False)]


@pytest.mark.parametrize(("deferrals", "delay"), list(enumerate(DELAYS)))
def test_a_retry_waits_for_its_delay(
    deferrals: int, delay: int, feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_delivery(monkeypatch, Unreachable())
    retry = run_until_retry(feedback, retries=deferrals, deferrals=deferrals)
    assert retry.when == delay
    assert retry.sig.kwargs == {"feedback_id": feedback.pk, "deferrals": deferrals + 1}
    assert str(retry.exc) == (
        "The mail server does not answer. Your feedback is saved. We try again automatically."
    )


def test_after_the_last_retry_the_task_fails(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_delivery(monkeypatch, Unreachable())
    retries = len(DELAYS)
    with request(retries=retries), pytest.raises(NotDelivered, match="we can send it later"):
        send_feedback_email_task.run(feedback_id=feedback.pk, deferrals=retries)


@pytest.mark.parametrize("error", [LoginRefused, Misconfigured])
@pytest.mark.parametrize("retries", [0, len(DELAYS), 1000])
def test_a_wrong_setting_is_retried_until_it_is_corrected(
    retries: int,
    error: type[Misconfigured],
    feedback: Feedback,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.FEEDBACK_MISCONFIGURED_RETRY = 42.0
    replace_delivery(monkeypatch, error())
    retry = run_until_retry(feedback, retries=retries, deferrals=0)
    assert retry.when == 42.0
    assert retry.sig.kwargs == {"feedback_id": feedback.pk, "deferrals": 0}
    assert str(retry.exc) == (
        f"{error.sentence} Your feedback is saved. We send it when this is corrected."
    )


def test_a_confirmation_waits_too_until_a_wrong_setting_is_corrected(
    feedback: Feedback,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.FEEDBACK_MISCONFIGURED_RETRY = 42.0
    error = PartlyDelivered("It is delivered.")
    error.__cause__ = Misconfigured()
    replace_delivery(monkeypatch, error)
    retry = run_until_retry(feedback, retries=3, deferrals=3)
    assert (retry.when, str(retry.exc)) == (42.0, "It is delivered.")
    assert retry.sig.kwargs["deferrals"] == 3
    assert "Check EMAIL_URL" in caplog.text


def test_a_wrong_setting_is_logged_with_its_cause(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    error = Misconfigured()
    error.__cause__ = OSError("certificate verify failed")
    replace_delivery(monkeypatch, error)
    run_until_retry(feedback, retries=0, deferrals=0)
    assert "Check EMAIL_URL" in caplog.text
    assert "certificate verify failed" in caplog.text


def test_a_job_that_is_run_again_has_all_retries(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_delivery(monkeypatch, Unreachable())
    retry = run_until_retry(feedback, retries=0, deferrals=len(DELAYS))
    assert retry.when == DELAYS[0]


def test_deleted_feedback_is_not_sent() -> None:
    with request(retries=0), pytest.raises(NotDelivered, match="deleted"):
        send_feedback_email_task.run(feedback_id=0)


def test_the_first_delay_is_short_and_all_grow() -> None:
    assert tasks.DELAYS[0] <= 5
    assert list(DELAYS) == sorted(DELAYS)


@pytest.mark.parametrize(("deferrals", "delay"), list(enumerate(DELAYS)))
def test_other_emails_of_a_delivered_feedback_are_retried(
    deferrals: int, delay: int, feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_delivery(monkeypatch, PartlyDelivered("It is delivered."))
    retry = run_until_retry(feedback, retries=deferrals, deferrals=deferrals)
    assert (retry.when, str(retry.exc)) == (delay, "It is delivered.")
    assert isinstance(retry.exc, PartlyDelivered)


def test_the_job_of_a_delivered_feedback_waits_for_its_confirmation(
    feedback: Feedback, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.responses = {"RCPT": [None, "450 later"]}
    job = run_task(send_feedback_email_task, feedback_id=feedback.pk).job
    assert (job.state, job.error) == (JobState.RETRYING, f"{DELIVERED} {CONFIRMATION_WAITS}")
    assert job.kwargs == {"feedback_id": feedback.pk, "deferrals": 1}


def test_operators_see_which_setting_is_wrong(
    feedback: Feedback, fake_mail_server: FakeMailServer
) -> None:
    fake_mail_server.responses = {"MAIL": ["530 5.7.0 authentication required"]}
    job = run_task(send_feedback_email_task, feedback_id=feedback.pk).job
    assert job.state == JobState.RETRYING
    assert job.error.startswith(LoginRefused.sentence)
    assert "authentication required" in job.traceback
    assert "authentication required" not in f"{job.error}{job.message}"
    assert job.kwargs == {"feedback_id": feedback.pk, "deferrals": 0}

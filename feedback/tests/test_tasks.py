from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from celery.exceptions import Retry

from feedback import tasks
from feedback.delivery import Delivery, NotDelivered
from feedback.mail_server import NotAdmitted, Unreachable
from feedback.models import Feedback
from feedback.tasks import DELAYS, send_feedback_email_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def feedback() -> Feedback:
    return Feedback.objects.create(
        email="ann@visitor.example", message="Hello", submission="1", confirms=True
    )


@contextmanager
def request(*, retries: int) -> Iterator[None]:
    """A run by a worker, not its first when `retries` says so."""
    send_feedback_email_task.push_request(
        id=str(uuid4()), retries=retries, args=(), kwargs={"feedback_id": 1}, called_directly=False
    )
    try:
        yield
    finally:
        send_feedback_email_task.pop_request()


def answer(monkeypatch: pytest.MonkeyPatch, result: Exception | dict[str, int]) -> list[bool]:
    seen: list[bool] = []

    def run(self: Delivery) -> dict[str, int]:
        seen.append("failed" in {state.value for state in self._settled})
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(Delivery, "run", run)
    return seen


def test_its_name_is_the_seeds() -> None:
    assert send_feedback_email_task.name == "send_feedback_email_task"


def test_its_result_is_the_deliverys(feedback: Feedback, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, {"sent": 2})
    with request(retries=0):
        assert send_feedback_email_task.run(feedback_id=feedback.pk) == {"sent": 2}


def test_a_retry_is_one_to_the_delivery(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = answer(monkeypatch, {"sent": 2})
    for retries in (0, 1):
        with request(retries=retries):
            send_feedback_email_task.run(feedback_id=feedback.pk)
    assert seen == [False, True]


@pytest.mark.parametrize(("retries", "delay"), list(enumerate(DELAYS)))
def test_a_server_that_does_not_answer_is_tried_again_ever_later(
    retries: int, delay: int, feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, Unreachable())
    with request(retries=retries), pytest.raises(Retry) as retry:
        send_feedback_email_task.run(feedback_id=feedback.pk)
    assert retry.value.when == delay
    assert str(retry.value.exc) == (
        "The mail server does not answer. Your feedback is saved, and we try again by ourselves."
    )


def test_one_day_it_is_given_up(feedback: Feedback, monkeypatch: pytest.MonkeyPatch) -> None:
    answer(monkeypatch, Unreachable())
    with request(retries=len(DELAYS)), pytest.raises(NotDelivered, match="we can send it later"):
        send_feedback_email_task.run(feedback_id=feedback.pk)


def test_a_wrong_password_is_not_tried_again(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer(monkeypatch, NotAdmitted())
    with request(retries=0), pytest.raises(NotDelivered, match="log in"):
        send_feedback_email_task.run(feedback_id=feedback.pk)


def test_feedback_that_was_deleted_is_not_sent() -> None:
    with request(retries=0), pytest.raises(NotDelivered, match="deleted"):
        send_feedback_email_task.run(feedback_id=0)


def test_the_first_delays_are_short_and_all_grow() -> None:
    assert tasks.DELAYS[0] <= 5
    assert list(DELAYS) == sorted(DELAYS)

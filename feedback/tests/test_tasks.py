from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from celery.exceptions import Retry

from feedback import tasks
from feedback.delivery import NotDelivered
from feedback.mail_server import LoginRefused, Unreachable
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
    """The request of a task that a worker runs, after so many retries."""
    send_feedback_email_task.push_request(
        id=str(uuid4()), retries=retries, args=(), kwargs={"feedback_id": 1}, called_directly=False
    )
    try:
        yield
    finally:
        send_feedback_email_task.pop_request()


def replace_delivery(
    monkeypatch: pytest.MonkeyPatch, result: Exception | dict[str, int]
) -> list[bool]:
    """Deliveries have this result; return a list that gets the `is_retry` of each."""
    retries: list[bool] = []

    class FakeDelivery:
        def __init__(self, feedback: Feedback, progress: object, *, is_retry: bool) -> None:
            retries.append(is_retry)

        def run(self) -> dict[str, int]:
            if isinstance(result, Exception):
                raise result
            return result

    monkeypatch.setattr(tasks, "Delivery", FakeDelivery)
    return retries


def test_the_task_has_its_name() -> None:
    assert send_feedback_email_task.name == "send_feedback_email_task"


def test_the_result_is_that_of_the_delivery(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_delivery(monkeypatch, {"sent": 2})
    with request(retries=0):
        assert send_feedback_email_task.run(feedback_id=feedback.pk) == {"sent": 2}


def test_the_delivery_knows_whether_it_is_a_retry(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_retry = replace_delivery(monkeypatch, {"sent": 2})
    for retries in (0, 1):
        with request(retries=retries):
            send_feedback_email_task.run(feedback_id=feedback.pk)
    assert is_retry == [False, True]


@pytest.mark.parametrize(("retries", "delay"), list(enumerate(DELAYS)))
def test_a_retry_waits_for_its_delay(
    retries: int, delay: int, feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_delivery(monkeypatch, Unreachable())
    with request(retries=retries), pytest.raises(Retry) as retry:
        send_feedback_email_task.run(feedback_id=feedback.pk)
    assert retry.value.when == delay
    assert str(retry.value.exc) == (
        "The mail server does not answer. Your feedback is saved. We try again automatically."
    )


def test_after_the_last_retry_the_task_fails(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_delivery(monkeypatch, Unreachable())
    with request(retries=len(DELAYS)), pytest.raises(NotDelivered, match="we can send it later"):
        send_feedback_email_task.run(feedback_id=feedback.pk)


def test_a_refused_login_is_not_retried(
    feedback: Feedback, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace_delivery(monkeypatch, LoginRefused())
    with request(retries=0), pytest.raises(NotDelivered, match="log in"):
        send_feedback_email_task.run(feedback_id=feedback.pk)


def test_deleted_feedback_is_not_sent() -> None:
    with request(retries=0), pytest.raises(NotDelivered, match="deleted"):
        send_feedback_email_task.run(feedback_id=0)


def test_the_first_delay_is_short_and_all_grow() -> None:
    assert tasks.DELAYS[0] <= 5
    assert list(DELAYS) == sorted(DELAYS)

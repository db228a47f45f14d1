from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from celery import shared_task
from django.utils import timezone
from kombu import Exchange, Queue

from realtime.jobs.message import decode, message_fields
from realtime.serialization import to_json_exact
from realtime.tasks import JobTask


@shared_task(base=JobTask, name="test.message.add")
def add(a: float, b: float = 0) -> float:
    return a + b


def fields(**options: Any) -> dict[str, Any]:
    """The fields of a job that is enqueued with these options."""
    return message_fields(add, (1,), {}, options)


def test_a_countdown_becomes_a_due_time() -> None:
    before = timezone.now()
    job = fields(countdown=60)
    assert timedelta(seconds=59) < job["due_at"] - before < timedelta(seconds=90)
    assert "countdown" not in job["options"]


def test_an_eta_keeps_its_time_zone() -> None:
    eta = datetime(2030, 1, 1, tzinfo=UTC)
    assert fields(eta=eta)["due_at"] == eta


def test_options_are_stored_for_the_broker() -> None:
    job = fields(queue="slow", priority=3)
    assert job["queue"] == "slow"
    assert job["options"] == {"queue": "slow", "priority": 3}


def test_priority_0_is_kept() -> None:
    """It replaces the priority of a route."""
    assert fields(priority=0)["options"] == {"priority": 0}


@pytest.mark.parametrize("name", ["priority", "expires", "serializer", "queue"])
def test_an_explicit_none_replaces_the_option_of_the_task(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(add, name, 5, raising=False)
    job = fields(**{name: None})
    assert job["expires_at"] is None
    assert job["options"] == ({} if name == "expires" else {name: None})


def test_none_is_not_stored_where_it_replaces_nothing() -> None:
    assert fields(link=None, chord=None, group_id=None, root_id=None)["options"] == {}


def test_a_stamp_may_be_none() -> None:
    job = fields(stamped_headers=["customer"], customer=None)
    assert job["options"] == {"stamped_headers": ["customer"], "customer": None}


def test_queues_and_exchanges_are_stored_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    queue = Queue("letters", Exchange("letters"), routing_key="letters")
    monkeypatch.setitem(add.app.amqp.queues, "letters", queue)
    job = fields(queue=queue, exchange=Exchange("letters"))
    assert job["options"] == {"queue": "letters", "exchange": "letters"}
    assert job["queue"] == "letters"


def test_a_queue_that_the_app_does_not_know_is_refused() -> None:
    with pytest.raises(ValueError, match="does not know the queue 'parcels'"):
        fields(queue=Queue("parcels", Exchange("post"), routing_key="heavy"))


@pytest.mark.parametrize("kind", [int, float, datetime])
def test_an_expiry_becomes_a_time(kind: type) -> None:
    moment = timezone.now() + timedelta(seconds=60)
    job = fields(expires=moment if kind is datetime else kind(60))
    assert "expires" not in job["options"], "workers would drop the job's later messages too"
    assert abs(job["expires_at"] - timezone.now() - timedelta(seconds=60)) < timedelta(seconds=30)


@pytest.mark.parametrize(
    "value",
    [
        1,
        "é",
        None,
        [1, {"a": []}],
        datetime(2026, 1, 1, tzinfo=UTC),
        date(2026, 1, 1),
        uuid4(),
        Decimal("1.10"),
    ],
)
def test_stored_arguments_are_sent_unchanged(value: object) -> None:
    assert decode(to_json_exact(value)) == value

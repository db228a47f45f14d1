from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from celery import shared_task
from django.utils import timezone

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


def test_priority_0_means_no_priority_unless_the_task_has_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On Redis, Celery's `retry` passes priority=0."""
    assert fields(priority=0)["options"] == {}
    monkeypatch.setattr(add, "priority", 5)
    assert fields(priority=0)["options"] == {"priority": 0}


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

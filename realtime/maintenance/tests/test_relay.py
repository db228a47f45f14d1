from datetime import timedelta
from uuid import UUID

import pytest
from django.db.models import DateTimeField, Value
from django.utils import timezone
from kombu.exceptions import OperationalError

from realtime.maintenance import broker
from realtime.maintenance.relay import RECENT, forget_lost_messages, relay
from realtime.maintenance.tests.rows import LIMIT, ago, make
from realtime.states import WAITING, JobState
from realtime.tests.support.valkey import Valkey

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("age", "relayed"), [(2, False), (6, True)])
def test_an_unpublished_job_is_relayed_after_a_while(
    published: list[UUID], age: int, relayed: bool
) -> None:
    job = make(queued_at=ago(age))
    assert relay(LIMIT) == (1 if relayed else 0)
    assert published == ([job.pk] if relayed else [])


def test_an_unpublished_retry_is_relayed_when_it_is_overdue(
    published: list[UUID],
) -> None:
    job = make(state=JobState.RETRYING, queued_at=ago(3600), due_at=ago(10))
    relay(LIMIT)
    assert published == [job.pk]


def test_messages_are_lost_if_their_queue_is_empty(depth: dict[str, int]) -> None:
    job = make(published_at=ago(16))
    fresh = make(published_at=ago(10))
    assert forget_lost_messages(LIMIT) == 1
    job.refresh_from_db()
    fresh.refresh_from_db()
    assert job.published_at is None
    assert fresh.published_at is not None


def test_messages_in_a_long_queue_are_not_lost(depth: dict[str, int]) -> None:
    depth["celery"] = 3
    make(published_at=ago(600))
    assert forget_lost_messages(LIMIT) == 0


@pytest.mark.parametrize(("later_by", "lost"), [(4, 0), (5, 0), (6, 1)])
def test_a_message_is_lost_if_a_later_one_was_delivered_first(
    depth: dict[str, int], later_by: int, lost: int
) -> None:
    depth["celery"] = 3
    moment = ago(100)
    make(published_at=moment)
    later = moment + timedelta(seconds=later_by)
    make(state=JobState.RUNNING, published_at=later, heartbeat_at=ago(50))
    assert forget_lost_messages(LIMIT) == lost


@pytest.mark.parametrize(
    ("older_by", "lost"),
    [(timedelta(microseconds=-1), 1), (timedelta(), 1), (timedelta(microseconds=1), 0)],
)
def test_only_recent_heartbeats_count_as_delivered(
    monkeypatch: pytest.MonkeyPatch, depth: dict[str, int], older_by: timedelta, lost: int
) -> None:
    depth["celery"] = 3
    now = ago(0)
    monkeypatch.setattr("realtime.maintenance.relay.Now", lambda: Value(now, DateTimeField()))
    make(published_at=now - 3 * RECENT)
    make(
        state=JobState.SUCCEEDED,
        published_at=now - 2 * RECENT,
        heartbeat_at=now - RECENT - older_by,
    )
    assert forget_lost_messages(LIMIT) == lost


@pytest.mark.parametrize("state", [*WAITING, JobState.FAILED, JobState.CANCELLED])
def test_a_job_counts_only_if_it_started_after_its_message_was_published(
    depth: dict[str, int], state: JobState
) -> None:
    depth["celery"] = 3
    make(published_at=ago(100))
    make(state=state, published_at=ago(50), started_at=ago(60), heartbeat_at=ago(55))
    assert forget_lost_messages(LIMIT) == 0


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED])
def test_a_retry_that_started_after_its_message_was_published_counts(
    depth: dict[str, int], state: JobState
) -> None:
    depth["celery"] = 3
    make(published_at=ago(100))
    make(state=state, published_at=ago(50), started_at=ago(3600), heartbeat_at=ago(45))
    assert forget_lost_messages(LIMIT) == 1


def test_an_adopted_job_does_not_count(depth: dict[str, int]) -> None:
    """Its row was made when its message arrived; when that was published is not known."""
    depth["celery"] = 3
    make(published_at=ago(100))
    arrived = ago(50)
    make(state=JobState.RUNNING, queued_at=arrived, published_at=arrived, heartbeat_at=ago(45))
    assert forget_lost_messages(LIMIT) == 0


def test_jobs_of_another_queue_do_not_count(depth: dict[str, int]) -> None:
    depth["celery"] = 3
    make(published_at=ago(100))
    make(state=JobState.RUNNING, queue="fast", published_at=ago(50), heartbeat_at=ago(40))
    assert forget_lost_messages(LIMIT) == 0


@pytest.mark.parametrize(("overdue", "lost"), [(-30, 0), (5, 0), (16, 1)])
def test_the_message_of_a_retry_is_lost_only_when_it_is_overdue(
    depth: dict[str, int], overdue: int, lost: int
) -> None:
    make(state=JobState.RETRYING, published_at=ago(100), due_at=ago(overdue))
    assert forget_lost_messages(LIMIT) == lost


@pytest.mark.parametrize("fast_by", [-300, 300])
def test_ages_go_by_the_database_clock(
    monkeypatch: pytest.MonkeyPatch, published: list[UUID], depth: dict[str, int], fast_by: int
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: ago(-fast_by))
    late, lost = make(queued_at=ago(6)), make(published_at=ago(16))
    make(queued_at=ago(2))
    make(published_at=ago(10))
    assert (relay(LIMIT), published) == (1, [late.pk])
    assert forget_lost_messages(LIMIT) == 1
    lost.refresh_from_db()
    assert lost.published_at is None


@pytest.mark.parametrize("fast_by", [-900, 900])
def test_recent_goes_by_the_database_clock(
    monkeypatch: pytest.MonkeyPatch, depth: dict[str, int], fast_by: int
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: ago(-fast_by))
    depth.update(celery=3, slow=3)
    make(published_at=ago(1000))
    make(state=JobState.SUCCEEDED, published_at=ago(900), heartbeat_at=ago(590))
    make(queue="slow", published_at=ago(1000))
    make(queue="slow", state=JobState.SUCCEEDED, published_at=ago(900), heartbeat_at=ago(610))
    assert forget_lost_messages(LIMIT) == 1


def test_a_message_of_low_priority_is_lost_only_if_the_queue_is_empty(
    depth: dict[str, int],
) -> None:
    low = make(published_at=ago(60), options={"priority": 9})
    make(state=JobState.RUNNING, published_at=ago(10), heartbeat_at=ago(5))
    depth["celery"] = 1
    assert forget_lost_messages(LIMIT) == 0
    depth["celery"] = 0
    assert forget_lost_messages(LIMIT) == 1
    low.refresh_from_db()
    assert low.published_at is None


@pytest.mark.parametrize("options", [{}, {"retries": 1}, {"retries": 1, "priority": 0}])
def test_the_message_of_a_retry_is_lost_if_a_later_one_was_delivered_first(
    depth: dict[str, int], options: dict[str, int]
) -> None:
    depth["celery"] = 3
    make(state=JobState.RETRYING, published_at=ago(100), due_at=ago(95), options=options)
    make(state=JobState.RUNNING, published_at=ago(50), heartbeat_at=ago(40))
    assert forget_lost_messages(LIMIT) == 1


def test_a_queue_whose_depth_cannot_be_read_does_not_hold_up_the_others(
    valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    with valkey.client() as client:
        client.set("a-text", "x")
    for queue in ("a-text", "empty-1", "empty-2"):
        make(queue=queue, published_at=ago(60))
    assert forget_lost_messages(LIMIT) == 2
    assert "The depth of the queue 'a-text' cannot be read" in caplog.text


def test_two_queues_that_cannot_be_read_mean_that_the_broker_is_down(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(queue: str) -> int:
        raise OperationalError("down")

    monkeypatch.setattr(broker, "depth", refuse)
    make(queue="one", published_at=ago(60))
    assert forget_lost_messages(LIMIT) == 0
    make(queue="two", published_at=ago(60))
    with pytest.raises(OperationalError):
        forget_lost_messages(LIMIT)

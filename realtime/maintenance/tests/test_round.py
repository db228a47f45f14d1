from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import InterfaceError, OperationalError, connection
from django.db.models import DateTimeField, Value
from django.utils import timezone

from realtime.conf import conf
from realtime.jobs import lease, outbox
from realtime.maintenance import broker
from realtime.maintenance.relay import RECENT, forget_lost_messages, relay
from realtime.maintenance.rescue import expire, rescue
from realtime.maintenance.round import run_maintenance
from realtime.models import Job, Worker
from realtime.states import WAITING, JobState, RunBy
from realtime.threads import SerialThread

pytestmark = pytest.mark.django_db

T = TypeVar("T")


LIMIT = 500


def ago(seconds: float) -> datetime:
    """By the database's clock, whatever a test makes of the worker's."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


def make(**fields: object) -> Job:
    usual = {"task": "t", "title": "T", "queue": "celery", "queued_at": ago(3600)}
    return Job.objects.create(**usual | fields)


class ThisThread(SerialThread):
    """Does it in the test's own thread, which sees the test's transaction."""

    def __init__(self) -> None:
        self.calls: list[Callable[..., Any]] = []

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        self.calls.append(function)
        return await sync_to_async(function)(*args)


def state_of(job: Job) -> str:
    job.refresh_from_db()
    return job.state


@pytest.fixture(autouse=True)
def worker() -> Worker:
    """One that has been up all the time."""
    return Worker.objects.create(name="up", steady_since=ago(100))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    ids: list[UUID] = []
    monkeypatch.setattr(outbox, "publish", ids.extend)
    return ids


@pytest.fixture
def depth(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    depths: dict[str, int] = {}
    monkeypatch.setattr(broker, "depth", lambda queue: depths.get(queue, 0))
    return depths


@pytest.mark.parametrize(("age", "relayed"), [(2, False), (6, True)])
def test_what_was_left_unpublished_is_relayed_after_a_while(
    published: list[UUID], age: int, relayed: bool
) -> None:
    job = make(queued_at=ago(age))
    assert relay(LIMIT) == (1 if relayed else 0)
    assert published == ([job.pk] if relayed else [])


def test_a_retry_that_nobody_published_is_relayed_when_it_is_overdue(
    published: list[UUID],
) -> None:
    job = make(state=JobState.RETRYING, queued_at=ago(3600), due_at=ago(10))
    relay(LIMIT)
    assert published == [job.pk]


@pytest.mark.parametrize(("silent_for", "state"), [(25, "running"), (31, "queued")])
def test_a_silent_job_is_queued_again(silent_for: int, state: str) -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(silent_for), published_at=ago(60))
    rescue(LIMIT)
    assert state_of(job) == state
    if state == "queued":
        assert job.published_at is None
        assert [event.state for event in job.events.all()] == ["lost", "queued"]


@pytest.mark.parametrize(("steady_for", "state"), [(5, "running"), (15, "queued")])
def test_silence_counts_once_heartbeats_have_been_saved_for_a_while(
    steady_for: int, state: str
) -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60))
    Worker.objects.update(steady_since=ago(steady_for))
    rescue(LIMIT)
    assert state_of(job) == state


@pytest.mark.parametrize(("beaten_before", "state"), [(17, "queued"), (28, "running")])
def test_silence_counts_only_while_heartbeats_are_saved(beaten_before: int, state: str) -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60))
    Worker.objects.update(heartbeat_at=ago(beaten_before))
    rescue(LIMIT)
    assert state_of(job) == state


def test_one_worker_that_was_up_all_the_time_is_witness_enough() -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60))
    Worker.objects.stamp("new")
    Worker.objects.create(name="dead", heartbeat_at=ago(60), steady_since=ago(100))
    rescue(LIMIT)
    assert state_of(job) == JobState.QUEUED


def test_without_a_witness_nobody_is_lost() -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60))
    Worker.objects.all().delete()
    Worker.objects.stamp("new")
    assert rescue(LIMIT) == 0
    assert state_of(job) == JobState.RUNNING


@pytest.mark.parametrize(("silent_for", "is_broken"), [(17, False), (28, True)])
def test_a_worker_that_beats_too_late_has_had_a_break(
    worker: Worker, silent_for: int, is_broken: bool
) -> None:
    Worker.objects.update(heartbeat_at=ago(silent_for))
    since = worker.steady_since
    Worker.objects.stamp("up")
    worker.refresh_from_db()
    assert worker.heartbeat_at > ago(silent_for - 1)
    assert (worker.steady_since == worker.heartbeat_at) == is_broken
    assert (worker.steady_since == since) != is_broken


def test_after_the_database_was_away_only_the_dead_are_lost(worker: Worker) -> None:
    """Away for a minute: nobody's heartbeat could be saved."""
    live, dead = (make(state=JobState.RUNNING, heartbeat_at=ago(60)) for _ in range(2))
    Worker.objects.update(heartbeat_at=ago(60))
    for _ in range(3):
        Worker.objects.stamp("up")
        assert rescue(LIMIT) == 0

    Job.objects.filter(pk=live.pk).update(heartbeat_at=ago(0))
    Worker.objects.update(steady_since=ago(15))  # so much later
    Worker.objects.stamp("up")
    assert rescue(LIMIT) == 1
    assert (state_of(live), state_of(dead)) == ("running", "queued")


LOCK = {
    "sqlite": ["BEGIN IMMEDIATE"],  # locks all
    "postgresql": ["BEGIN", "LOCK TABLE realtime_job IN ACCESS EXCLUSIVE MODE"],
}
IMPATIENT = {"sqlite": "PRAGMA busy_timeout = 100", "postgresql": "SET lock_timeout = 100"}
PATIENT = {"sqlite": "PRAGMA busy_timeout = 20000", "postgresql": "RESET lock_timeout"}


@contextmanager
def jobs_locked() -> Iterator[None]:
    """Nobody can write a job within the block, and this connection does not wait for it."""
    vendor, other = connection.vendor, connection.copy()
    with closing(other), connection.cursor() as mine, other.cursor() as cursor:
        for command in LOCK[vendor]:
            cursor.execute(command)
        mine.execute(IMPATIENT[vendor])
        try:
            yield
        finally:
            mine.execute(PATIENT[vendor])
            cursor.execute("ROLLBACK")


@pytest.mark.django_db(transaction=True)
def test_a_worker_does_not_beat_while_jobs_cannot(worker: Worker) -> None:
    worker.refresh_from_db()
    before = worker.heartbeat_at
    with jobs_locked(), pytest.raises(OperationalError):
        Worker.objects.stamp("up")
    worker.refresh_from_db()
    assert worker.heartbeat_at == before
    Worker.objects.stamp("up")
    worker.refresh_from_db()
    assert worker.heartbeat_at > before


def test_a_job_that_takes_its_workers_with_it_ends_as_failed() -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60), losses=2)
    rescue(LIMIT)
    assert state_of(job) == JobState.FAILED
    assert (job.error_code, job.error) == ("worker_lost", "The worker was lost 3 times.")
    assert job.finished_at is not None


def test_a_silent_job_that_was_to_be_cancelled_is() -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60), cancel_requested_at=ago(50))
    rescue(LIMIT)
    assert state_of(job) == JobState.CANCELLED


def test_messages_of_an_empty_queue_are_lost(depth: dict[str, int]) -> None:
    job = make(published_at=ago(16))
    fresh = make(published_at=ago(10))
    assert forget_lost_messages(LIMIT) == 1
    job.refresh_from_db()
    fresh.refresh_from_db()
    assert job.published_at is None
    assert fresh.published_at is not None


def test_messages_wait_their_turn_in_a_long_queue(depth: dict[str, int]) -> None:
    depth["celery"] = 3
    make(published_at=ago(600))
    assert forget_lost_messages(LIMIT) == 0


@pytest.mark.parametrize(("later_by", "lost"), [(4, 0), (5, 0), (6, 1)])
def test_a_message_that_was_overtaken_is_lost(
    depth: dict[str, int], later_by: int, lost: int
) -> None:
    depth["celery"] = 3
    moment = ago(100)
    make(published_at=moment)
    overtaker = moment + timedelta(seconds=later_by)
    make(state=JobState.RUNNING, published_at=overtaker, heartbeat_at=ago(50))
    assert forget_lost_messages(LIMIT) == lost


@pytest.mark.parametrize(
    ("older_by", "lost"),
    [(timedelta(microseconds=-1), 1), (timedelta(), 1), (timedelta(microseconds=1), 0)],
)
def test_only_what_was_begun_of_late_overtakes_others(
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
def test_who_has_not_begun_again_since_it_was_published_overtakes_nobody(
    depth: dict[str, int], state: JobState
) -> None:
    depth["celery"] = 3
    make(published_at=ago(100))
    make(state=state, published_at=ago(50), started_at=ago(60), heartbeat_at=ago(55))
    assert forget_lost_messages(LIMIT) == 0


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.SUCCEEDED, JobState.FAILED])
def test_who_has_begun_again_overtakes_others(depth: dict[str, int], state: JobState) -> None:
    depth["celery"] = 3
    make(published_at=ago(100))
    make(state=state, published_at=ago(50), started_at=ago(3600), heartbeat_at=ago(45))
    assert forget_lost_messages(LIMIT) == 1


def test_a_message_that_came_without_a_row_overtakes_nobody(depth: dict[str, int]) -> None:
    """Nobody knows when it was published: its row says when it came."""
    depth["celery"] = 3
    make(published_at=ago(100))
    came = ago(50)
    make(state=JobState.RUNNING, queued_at=came, published_at=came, heartbeat_at=ago(45))
    assert forget_lost_messages(LIMIT) == 0


def test_another_queue_overtakes_nobody(depth: dict[str, int]) -> None:
    depth["celery"] = 3
    make(published_at=ago(100))
    make(state=JobState.RUNNING, queue="fast", published_at=ago(50), heartbeat_at=ago(40))
    assert forget_lost_messages(LIMIT) == 0


@pytest.mark.parametrize(("overdue", "lost"), [(-30, 0), (5, 0), (16, 1)])
def test_a_retry_is_lost_only_when_it_is_overdue(
    depth: dict[str, int], overdue: int, lost: int
) -> None:
    make(state=JobState.RETRYING, published_at=ago(100), due_at=ago(overdue))
    assert forget_lost_messages(LIMIT) == lost


@pytest.mark.parametrize("fast_by", [-300, 300])
def test_it_is_the_databases_clock_that_counts(
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
def test_it_is_the_databases_clock_that_says_what_is_recent(
    monkeypatch: pytest.MonkeyPatch, depth: dict[str, int], fast_by: int
) -> None:
    monkeypatch.setattr(timezone, "now", lambda: ago(-fast_by))
    depth.update(celery=3, slow=3)
    make(published_at=ago(1000))
    make(state=JobState.SUCCEEDED, published_at=ago(900), heartbeat_at=ago(590))
    make(queue="slow", published_at=ago(1000))
    make(queue="slow", state=JobState.SUCCEEDED, published_at=ago(900), heartbeat_at=ago(610))
    assert forget_lost_messages(LIMIT) == 1


def test_recovery_does_all_of_it(published: list[UUID], depth: dict[str, int]) -> None:
    silent = make(state=JobState.RUNNING, heartbeat_at=ago(60), queued_at=ago(90))
    message_lost = make(published_at=ago(60), queued_at=ago(90))
    async_to_sync(run_maintenance)(ThisThread())
    assert set(published) == {silent.pk, message_lost.pk}


@pytest.mark.parametrize(("left", "state"), [(5, "queued"), (-5, "failed")])
def test_a_job_that_is_not_begun_in_time_has_failed(left: float, state: str) -> None:
    job = make(expires_at=ago(-left), published_at=ago(60))
    expire(LIMIT)
    assert state_of(job) == state
    assert job.error_code == ("expired" if state == "failed" else "")


def test_a_job_that_was_begun_in_time_goes_on() -> None:
    job = make(state=JobState.RUNNING, expires_at=ago(5))
    assert expire(LIMIT) == 0
    assert state_of(job) == JobState.RUNNING


@pytest.mark.parametrize(("count", "calls"), [(3, 1), (4, 2), (5, 2)])
def test_a_step_goes_on_while_it_finds_as_much_as_it_looks_at(
    published: list[UUID],
    depth: dict[str, int],
    count: int,
    calls: int,
) -> None:
    for _ in range(count):
        make(state=JobState.RUNNING, heartbeat_at=ago(60), queued_at=ago(90))
    thread = ThisThread()
    async_to_sync(run_maintenance)(thread, chunk_size=4)
    assert thread.calls.count(rescue) == calls
    assert not Job.objects.filter(state=JobState.RUNNING).exists()
    assert thread.calls.count(expire) == 1


def test_a_step_that_finds_the_same_again_and_again_comes_to_an_end(
    published: list[UUID], depth: dict[str, int]
) -> None:
    job = make(queued_at=ago(90))
    async_to_sync(run_maintenance)(ThisThread(), chunk_size=1, calls_max=3)
    assert published == [job.pk] * 3


@pytest.mark.parametrize(
    "error", [OperationalError("locked"), InterfaceError("closed"), KeyError("k")]
)
def test_a_step_that_fails_keeps_no_other_from_its_work(
    caplog: pytest.LogCaptureFixture,
    published: list[UUID],
    depth: dict[str, int],
    error: Exception,
) -> None:
    def fail(limit: int) -> int:
        raise error

    job = make(queued_at=ago(90))
    async_to_sync(run_maintenance)(ThisThread(), steps=(fail, relay))
    assert published == [job.pk]
    assert "Maintenance step fail" in caplog.text
    assert type(error).__name__ in caplog.text


def test_a_job_that_expired_is_not_begun() -> None:
    late, early = make(expires_at=ago(1)), make(expires_at=ago(-60))
    assert lease.claim(late.pk, worker="w") is None
    begun = lease.claim(early.pk, worker="w")
    assert begun
    assert begun.expires_at is None, "begun in time, it goes on whatever happens to its worker"


def test_a_job_that_is_lost_while_it_is_to_end_ends_with_its_parts() -> None:
    body = make(state=JobState.RUNNING, heartbeat_at=ago(60), cancel_requested_at=ago(5))
    part = make(parent=body)
    Job.objects.filter(pk=body.pk).update(carrier=RunBy.BODY_THEN_CHILDREN)
    assert rescue(LIMIT) == 1
    assert (state_of(body), state_of(part)) == (JobState.CANCELLED, JobState.CANCELLED)


def test_who_is_asked_to_end_while_others_are_rescued_is_not_queued_again() -> None:
    body = make(state=JobState.RUNNING, heartbeat_at=ago(60), cancel_requested_at=ago(5))
    part = make(parent=body, state=JobState.RUNNING, heartbeat_at=ago(60))
    Job.objects.filter(pk=body.pk).update(carrier=RunBy.BODY_THEN_CHILDREN)
    assert rescue(LIMIT) == 2, "the first of which asks the second to end"
    assert (state_of(body), state_of(part)) == (JobState.CANCELLED, JobState.CANCELLED)


def test_a_job_that_gives_way_to_others_is_not_lost_because_they_overtake_it(
    depth: dict[str, int],
) -> None:
    patient = make(published_at=ago(60), options={"priority": 9})
    make(state=JobState.RUNNING, published_at=ago(10), heartbeat_at=ago(5))
    depth["celery"] = 1
    assert forget_lost_messages(LIMIT) == 0
    depth["celery"] = 0
    assert forget_lost_messages(LIMIT) == 1
    patient.refresh_from_db()
    assert patient.published_at is None


@pytest.mark.parametrize("options", [{}, {"retries": 1}, {"retries": 1, "priority": 0}])
def test_a_retry_that_was_overtaken_is_lost(depth: dict[str, int], options: dict[str, int]) -> None:
    depth["celery"] = 3
    make(state=JobState.RETRYING, published_at=ago(100), due_at=ago(95), options=options)
    make(state=JobState.RUNNING, published_at=ago(50), heartbeat_at=ago(40))
    assert forget_lost_messages(LIMIT) == 1


if connection.vendor == "postgresql":

    @pytest.mark.django_db(transaction=True)
    def test_a_process_that_froze_with_its_jobs_row_keeps_no_other_from_its_rescue() -> None:
        frozen, dead = (make(state=JobState.RUNNING, heartbeat_at=ago(60)) for _ in range(2))
        other = connection.copy()
        with closing(other), other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM realtime_job WHERE id = %s FOR UPDATE", [frozen.pk])
            assert rescue(LIMIT) == 1
            assert (state_of(frozen), state_of(dead)) == (JobState.RUNNING, JobState.QUEUED)
            cursor.execute("ROLLBACK")
        assert rescue(LIMIT) == 1

    def test_nobody_waits_for_a_lock_for_ever() -> None:
        with connection.cursor() as cursor:
            for name in ("lock_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute("SELECT setting FROM pg_settings WHERE name = %s", [name])
                assert 0 < int(cursor.fetchone()[0]) <= 1000 * conf.LEASE

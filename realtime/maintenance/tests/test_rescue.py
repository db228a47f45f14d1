from contextlib import closing

import pytest
from django.db import connection

from realtime.conf import conf
from realtime.maintenance.rescue import expire, rescue
from realtime.maintenance.tests.rows import LIMIT, ago, make, state_of
from realtime.models import Job, Worker
from realtime.states import JobState, RunBy

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]


@pytest.mark.parametrize(("silent_for", "state"), [(25, "running"), (31, "queued")])
def test_a_silent_job_is_queued_again(silent_for: int, state: str) -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(silent_for), published_at=ago(60))
    rescue(LIMIT)
    assert state_of(job) == state
    if state == "queued":
        assert job.published_at is None
        assert [event.state for event in job.events.all()] == ["lost", "queued"]


@pytest.mark.parametrize(("steady_for", "state"), [(5, "running"), (15, "queued")])
def test_no_job_is_rescued_before_a_worker_was_steady_for_a_while(
    steady_for: int, state: str
) -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60))
    Worker.objects.update(steady_since=ago(steady_for))
    rescue(LIMIT)
    assert state_of(job) == state


@pytest.mark.parametrize(("heartbeat_ago", "state"), [(17, "queued"), (28, "running")])
def test_no_job_is_rescued_after_a_gap_in_all_heartbeats(heartbeat_ago: int, state: str) -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60))
    Worker.objects.update(heartbeat_at=ago(heartbeat_ago))
    rescue(LIMIT)
    assert state_of(job) == state


def test_one_steady_worker_is_enough_for_a_rescue() -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60))
    Worker.objects.stamp("new")
    Worker.objects.create(name="dead", heartbeat_at=ago(60), steady_since=ago(100))
    rescue(LIMIT)
    assert state_of(job) == JobState.QUEUED


def test_without_a_steady_worker_no_job_is_rescued() -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60))
    Worker.objects.all().delete()
    Worker.objects.stamp("new")
    assert rescue(LIMIT) == 0
    assert state_of(job) == JobState.RUNNING


def test_after_the_database_was_away_only_jobs_of_dead_workers_are_rescued(worker: Worker) -> None:
    """It was away for a minute, in which no heartbeat could be saved."""
    live, dead = (make(state=JobState.RUNNING, heartbeat_at=ago(60)) for _ in range(2))
    Worker.objects.update(heartbeat_at=ago(60))
    for _ in range(3):
        Worker.objects.stamp("up")
        assert rescue(LIMIT) == 0

    Job.objects.filter(pk=live.pk).update(heartbeat_at=ago(0))
    Worker.objects.update(steady_since=ago(15))  # as after 15 s
    Worker.objects.stamp("up")
    assert rescue(LIMIT) == 1
    assert (state_of(live), state_of(dead)) == ("running", "queued")


def test_a_job_that_lost_max_attempts_workers_fails() -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60), losses=2)
    rescue(LIMIT)
    assert state_of(job) == JobState.FAILED
    assert (job.error_code, job.error) == ("worker_lost", "The worker was lost 3 times.")
    assert job.finished_at is not None


def test_a_silent_job_with_a_cancel_request_is_cancelled() -> None:
    job = make(state=JobState.RUNNING, heartbeat_at=ago(60), cancel_requested_at=ago(50))
    rescue(LIMIT)
    assert state_of(job) == JobState.CANCELLED


@pytest.mark.parametrize(("left", "state"), [(5, "queued"), (-5, "failed")])
def test_a_job_that_expired_before_its_start_fails(left: float, state: str) -> None:
    job = make(expires_at=ago(-left), published_at=ago(60))
    expire(LIMIT)
    assert state_of(job) == state
    assert job.error_code == ("expired" if state == "failed" else "")


def test_a_running_job_does_not_expire() -> None:
    job = make(state=JobState.RUNNING, expires_at=ago(5))
    assert expire(LIMIT) == 0
    assert state_of(job) == JobState.RUNNING


def test_a_silent_job_with_a_cancel_request_is_cancelled_with_its_children() -> None:
    body = make(state=JobState.RUNNING, heartbeat_at=ago(60), cancel_requested_at=ago(5))
    child = make(parent=body)
    Job.objects.filter(pk=body.pk).update(carrier=RunBy.BODY_THEN_CHILDREN)
    assert rescue(LIMIT) == 1
    assert (state_of(body), state_of(child)) == (JobState.CANCELLED, JobState.CANCELLED)


def test_a_job_that_gets_a_cancel_request_during_the_rescue_is_cancelled() -> None:
    body = make(state=JobState.RUNNING, heartbeat_at=ago(60), cancel_requested_at=ago(5))
    child = make(parent=body, state=JobState.RUNNING, heartbeat_at=ago(60))
    Job.objects.filter(pk=body.pk).update(carrier=RunBy.BODY_THEN_CHILDREN)
    assert rescue(LIMIT) == 2, "the first one requests the cancel of the second"
    assert (state_of(body), state_of(child)) == (JobState.CANCELLED, JobState.CANCELLED)


if connection.vendor == "postgresql":

    @pytest.mark.django_db(transaction=True)
    def test_a_locked_row_does_not_stop_the_rescue_of_other_jobs() -> None:
        frozen, dead = (make(state=JobState.RUNNING, heartbeat_at=ago(60)) for _ in range(2))
        other = connection.copy()
        with closing(other), other.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute("SELECT 1 FROM realtime_job WHERE id = %s FOR UPDATE", [frozen.pk])
            assert rescue(LIMIT) == 1
            assert (state_of(frozen), state_of(dead)) == (JobState.RUNNING, JobState.QUEUED)
            cursor.execute("ROLLBACK")
        assert rescue(LIMIT) == 1

    def test_lock_waits_end_within_a_lease() -> None:
        with connection.cursor() as cursor:
            for name in ("lock_timeout", "idle_in_transaction_session_timeout"):
                cursor.execute("SELECT setting FROM pg_settings WHERE name = %s", [name])
                assert 0 < int(cursor.fetchone()[0]) <= 1000 * conf.LEASE

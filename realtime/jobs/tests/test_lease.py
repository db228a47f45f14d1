"""The changes of state that only the worker with the lease makes, from every state."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from realtime.jobs import lease
from realtime.models import Job
from realtime.states import CLAIMABLE, JobState, RunBy

pytestmark = pytest.mark.django_db

NOW = timezone.now
RUNNING = frozenset({JobState.RUNNING})

CHANGES: dict[str, tuple[Callable[[Job], bool], frozenset[JobState], JobState]] = {
    "claim": (
        lambda job: lease.claim(job.pk, worker="w") is not None,
        CLAIMABLE,
        JobState.RUNNING,
    ),
    "finish": (lambda job: lease.finish(job, result=7), RUNNING, JobState.SUCCEEDED),
    "fail": (
        lambda job: lease.fail(job, code="c", error="It broke."),
        RUNNING,
        JobState.FAILED,
    ),
    "retry_later": (
        lambda job: lease.retry_later(job, due_at=NOW(), error="Busy."),
        RUNNING,
        JobState.RETRYING,
    ),
    "cancel_running": (lambda job: lease.cancel_running(job), RUNNING, JobState.CANCELLED),
}
"""For each function: its call, the states that it changes, the state after it."""


def make(state: JobState = JobState.QUEUED, **fields: object) -> Job:
    return Job.objects.create(task="t", title="T", state=state, **fields)


def claim(job: Job, *, worker: str = "w") -> Job:
    claimed = lease.claim(job.pk, worker=worker)
    assert claimed
    return claimed


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("name", list(CHANGES))
def test_a_change_happens_only_from_its_states(name: str, state: JobState) -> None:
    change, before, after = CHANGES[name]
    job = make(state, heartbeat_at=NOW() - timedelta(minutes=1))
    is_changed = change(job)
    job.refresh_from_db()
    assert is_changed is (state in before)
    assert job.state == (after if is_changed else state)
    assert job.revision == job.events.count() == (1 if is_changed else 0)


@pytest.mark.parametrize("run_by", list(RunBy))
@pytest.mark.parametrize("state", list(JobState))
def test_only_a_running_body_with_children_is_handed_over(state: JobState, run_by: RunBy) -> None:
    job = make(state, carrier=run_by)
    is_changed = lease.hand_over(job, result=1)
    job.refresh_from_db()
    assert is_changed is (run_by == RunBy.BODY_THEN_CHILDREN and state == JobState.RUNNING)
    assert job.state == state
    assert job.carrier == (RunBy.CHILDREN if is_changed else run_by)
    assert job.revision == job.events.count() == (1 if is_changed else 0)


@pytest.mark.parametrize("name", list(CHANGES))
def test_a_job_without_a_row_is_not_changed(name: str) -> None:
    change, _, _ = CHANGES[name]
    assert not change(Job(id=uuid4(), attempt=1))


@pytest.mark.parametrize("name", ["finish", "fail", "retry_later", "cancel_running"])
def test_an_attempt_that_lost_its_lease_changes_nothing(name: str) -> None:
    job = make()
    first = claim(job, worker="first")
    lease.retry_later(first, due_at=NOW(), error="")
    claim(job, worker="second")
    change, _, _ = CHANGES[name]
    assert not change(first)
    job.refresh_from_db()
    assert (job.state, job.worker) == (JobState.RUNNING, "second")


def test_one_worker_gets_the_lease() -> None:
    job = make()
    assert lease.claim(job.pk, worker="first")
    assert lease.claim(job.pk, worker="second") is None
    job.refresh_from_db()
    assert (job.worker, job.attempt) == ("first", 1)


def test_a_retry_can_be_claimed_when_it_is_due_and_not_before() -> None:
    job = make(JobState.RETRYING, due_at=NOW() + timedelta(seconds=30))
    assert lease.claim(job.pk, worker="w") is None
    Job.objects.update(due_at=NOW())
    assert lease.claim(job.pk, worker="w")


def test_an_expired_job_cannot_be_claimed() -> None:
    late = make(expires_at=NOW() - timedelta(seconds=1))
    early = make(expires_at=NOW() + timedelta(seconds=60))
    assert lease.claim(late.pk, worker="w") is None
    assert claim(early).expires_at is None, "once claimed, it does not expire"


def test_a_retry_is_published_again() -> None:
    job = make(published_at=NOW())
    lease.retry_later(claim(job), due_at=NOW(), error="Busy.")
    job.refresh_from_db()
    assert job.published_at is None
    assert job.error == "Busy."


def test_the_start_is_that_of_the_first_attempt() -> None:
    job = make()
    first = claim(job)
    lease.retry_later(first, due_at=NOW(), error="")
    second = claim(job)
    assert second.started_at == first.started_at
    assert second.attempt == 2


def test_the_last_progress_is_saved_with_the_end() -> None:
    job = make()
    lease.finish(claim(job), result={"new": 3}, done=3, total=3, fraction=1.0)
    job.refresh_from_db()
    assert (job.done, job.total, job.fraction, job.result) == (3, 3, 1.0, {"new": 3})
    assert job.finished_at is not None


def test_an_attempt_has_ended_once_it_finished() -> None:
    job = claim(make())
    assert not lease.attempt_has_ended(job)
    lease.finish(job, result=None)
    assert lease.attempt_has_ended(job)

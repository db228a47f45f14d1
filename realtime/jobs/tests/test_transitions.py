"""The changes of state that need no lease, from every state."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from realtime.jobs import lease, transitions
from realtime.models import Job
from realtime.states import FINISHED, WAITING, JobState, RunBy

pytestmark = pytest.mark.django_db

NOW = timezone.now
SILENCE = timedelta(seconds=30)
RUNNING = frozenset({JobState.RUNNING})
LOST = frozenset({JobState.LOST})

Change = tuple[Callable[[Job], bool], frozenset[JobState], JobState]
"""The call of a function, the states that it changes, the state after it."""

CHANGES: dict[str, Change] = {
    "lose": (lambda job: transitions.lose(job, silence=SILENCE), RUNNING, JobState.LOST),
    "refuse": (
        lambda job: transitions.refuse(job.pk, code="c", error="No."),
        WAITING,
        JobState.FAILED,
    ),
    "rescue": (lambda job: transitions.rescue(job.pk), LOST, JobState.QUEUED),
    "give_up": (
        lambda job: transitions.give_up(job.pk, code="c", error="Lost."),
        LOST,
        JobState.FAILED,
    ),
    "run_again": (
        lambda job: transitions.run_again(job.pk, options={}, phases=(), text="Queued again"),
        FINISHED,
        JobState.QUEUED,
    ),
    "cancel_waiting": (
        lambda job: transitions.cancel_waiting(job.pk),
        WAITING,
        JobState.CANCELLED,
    ),
}
BATCH_CHANGES: dict[str, Change] = {
    "end_batch": (
        lambda job: transitions.end_batch(job.pk, JobState.FAILED, text="t"),
        RUNNING,
        JobState.FAILED,
    ),
    "reopen": (lambda job: transitions.reopen(job.pk, text="t"), FINISHED, JobState.RUNNING),
}


def make(state: JobState = JobState.QUEUED, **fields: object) -> Job:
    return Job.objects.create(task="t", title="T", state=state, **fields)


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("name", list(CHANGES))
def test_a_change_happens_only_from_its_states(name: str, state: JobState) -> None:
    change, before, after = CHANGES[name]
    losses = 3 if name == "give_up" else 0
    job = make(state, losses=losses, heartbeat_at=NOW() - timedelta(minutes=1))
    is_changed = change(job)
    job.refresh_from_db()
    assert is_changed is (state in before)
    assert job.state == (after if is_changed else state)
    assert job.revision == job.events.count() == (1 if is_changed else 0)


@pytest.mark.parametrize("run_by", list(RunBy))
@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("name", list(BATCH_CHANGES))
def test_a_change_of_a_batch_happens_to_nothing_else(
    name: str, state: JobState, run_by: RunBy
) -> None:
    change, before, after = BATCH_CHANGES[name]
    job = make(state, carrier=run_by)
    is_changed = change(job)
    job.refresh_from_db()
    assert is_changed is (run_by == RunBy.CHILDREN and state in before)
    assert job.state == (after if is_changed else state)
    assert job.revision == job.events.count() == (1 if is_changed else 0)


@pytest.mark.parametrize("name", [*CHANGES, *BATCH_CHANGES])
def test_a_job_without_a_row_is_not_changed(name: str) -> None:
    change, _, _ = (CHANGES | BATCH_CHANGES)[name]
    assert not change(Job(id=uuid4(), attempt=1))


def test_an_earlier_attempt_cannot_be_lost() -> None:
    job = make()
    first = lease.claim(job.pk, worker="first")
    assert first
    lease.retry_later(first, due_at=NOW(), error="")
    assert lease.claim(job.pk, worker="second")
    Job.objects.update(heartbeat_at=NOW() - timedelta(minutes=1))
    assert not transitions.lose(first, silence=SILENCE)
    job.refresh_from_db()
    assert (job.state, job.worker) == (JobState.RUNNING, "second")


@pytest.mark.parametrize(("silent_for", "is_lost"), [(25, False), (31, True)])
def test_a_job_is_lost_after_the_silence(silent_for: int, is_lost: bool) -> None:
    heartbeat_at = NOW() - timedelta(seconds=silent_for)
    job = make(JobState.RUNNING, heartbeat_at=heartbeat_at, attempt=1)
    assert transitions.lose(job, silence=SILENCE) is is_lost


@pytest.mark.parametrize(("losses", "is_rescued"), [(2, True), (3, False), (4, False)])
def test_a_job_is_rescued_until_it_lost_max_attempts_workers(losses: int, is_rescued: bool) -> None:
    job = make(JobState.LOST, losses=losses, max_attempts=3)
    assert transitions.rescue(job.pk) is is_rescued
    assert transitions.give_up(job.pk, code="c", error="Lost.") is not is_rescued


def test_a_job_that_is_run_again_keeps_its_attempts_and_loses_its_outcome() -> None:
    job = make(
        JobState.FAILED, attempt=2, error="It broke.", traceback="t", fraction=0.5, done=3, losses=3
    )
    assert transitions.run_again(job.pk, options={"priority": 3}, phases=(), text="Queued again")
    job.refresh_from_db()
    assert (job.error, job.traceback, job.fraction, job.done, job.losses) == ("", "", None, 0, 0)
    assert (job.attempt, job.options) == (2, {"priority": 3})
    assert lease.claim(job.pk, worker="w")


def test_a_running_job_gets_one_cancel_request() -> None:
    job = make(JobState.RUNNING)
    assert transitions.request_cancel(job.pk)
    assert not transitions.request_cancel(job.pk)
    job.refresh_from_db()
    assert (job.state, job.revision) == (JobState.RUNNING, 0)

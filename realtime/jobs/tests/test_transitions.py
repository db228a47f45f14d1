"""Every move of a job, and every move that must not happen."""

from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone

from realtime.jobs import lease, transitions
from realtime.models import Job
from realtime.states import CLAIMABLE, FINISHED, WAITING, JobState

pytestmark = pytest.mark.django_db

NOW = timezone.now

Verb = Callable[[Job], bool]

VERBS: dict[str, Verb] = {
    "claim": lambda job: lease.claim(job.pk, worker="w") is not None,
    "finish": lambda job: lease.finish(job, result=7),
    "fail": lambda job: lease.fail(job, code="c", error="It broke."),
    "retry_later": lambda job: lease.retry_later(job, due_at=NOW(), error="Busy."),
    "lose": lambda job: transitions.lose(job, silence=timedelta(seconds=30)),
    "refuse": lambda job: transitions.refuse(job.pk, code="c", error="No."),
    "rescue": lambda job: transitions.rescue(job.pk),
    "give_up": lambda job: transitions.give_up(job.pk, code="c", error="Lost."),
    "run_again": lambda job: transitions.run_again(
        job.pk, options={}, phases=(), text="Queued again"
    ),
    "cancel_waiting": lambda job: transitions.cancel_waiting(job.pk),
    "cancel_running": lambda job: lease.cancel_running(job),
}
FROM = {
    "claim": CLAIMABLE,
    "finish": {JobState.RUNNING},
    "fail": {JobState.RUNNING},
    "retry_later": {JobState.RUNNING},
    "lose": {JobState.RUNNING},
    "refuse": WAITING,
    "rescue": {JobState.LOST},
    "give_up": {JobState.LOST},
    "run_again": FINISHED,
    "cancel_waiting": WAITING,
    "cancel_running": {JobState.RUNNING},
}
TO = {
    "claim": JobState.RUNNING,
    "finish": JobState.SUCCEEDED,
    "fail": JobState.FAILED,
    "retry_later": JobState.RETRYING,
    "lose": JobState.LOST,
    "refuse": JobState.FAILED,
    "rescue": JobState.QUEUED,
    "give_up": JobState.FAILED,
    "run_again": JobState.QUEUED,
    "cancel_waiting": JobState.CANCELLED,
    "cancel_running": JobState.CANCELLED,
}


def make(state: JobState = JobState.QUEUED, **fields: object) -> Job:
    return Job.objects.create(task="t", title="T", state=state, **fields)


@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("verb", list(VERBS))
def test_a_verb_moves_only_from_its_states(verb: str, state: JobState) -> None:
    losses = 3 if verb == "give_up" else 0
    job = make(state, losses=losses, heartbeat_at=NOW() - timedelta(minutes=1))
    moved = VERBS[verb](job)
    job.refresh_from_db()
    assert moved is (state in FROM[verb])
    assert job.state == (TO[verb] if moved else state)
    assert job.revision == (1 if moved else 0)
    assert job.events.count() == (1 if moved else 0)


@pytest.mark.parametrize("verb", list(VERBS))
def test_a_verb_knows_no_job_that_is_not_there(verb: str) -> None:
    assert not VERBS[verb](Job(id=uuid4(), attempt=1))


def test_a_claim_is_won_once() -> None:
    job = make()
    assert lease.claim(job.pk, worker="first")
    assert lease.claim(job.pk, worker="second") is None
    job.refresh_from_db()
    assert (job.worker, job.attempt) == ("first", 1)


@pytest.mark.parametrize("verb", ["finish", "fail", "retry_later", "cancel_running", "lose"])
def test_a_zombie_moves_nothing(verb: str) -> None:
    job = make()
    zombie = lease.claim(job.pk, worker="zombie")
    assert zombie
    lease.retry_later(zombie, due_at=NOW(), error="")
    assert lease.claim(job.pk, worker="successor")
    assert not VERBS[verb](zombie)
    job.refresh_from_db()
    assert (job.state, job.worker) == (JobState.RUNNING, "successor")


def test_a_retry_is_claimed_when_it_is_due_and_not_before() -> None:
    job = make(JobState.RETRYING, due_at=NOW() + timedelta(seconds=30))
    assert lease.claim(job.pk, worker="w") is None
    Job.objects.update(due_at=NOW())
    assert lease.claim(job.pk, worker="w")


def test_a_retry_is_to_be_published_again() -> None:
    job = make(published_at=NOW())
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    lease.retry_later(claimed, due_at=NOW(), error="Busy.")
    job.refresh_from_db()
    assert job.published_at is None
    assert job.error == "Busy."


def test_the_start_is_that_of_the_first_attempt() -> None:
    job = make()
    first = lease.claim(job.pk, worker="w")
    assert first
    lease.retry_later(first, due_at=NOW(), error="")
    second = lease.claim(job.pk, worker="w")
    assert second
    assert second.started_at == first.started_at
    assert second.attempt == 2


def test_the_end_keeps_the_last_progress() -> None:
    job = make()
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    lease.finish(claimed, result={"new": 3}, done=3, total=3, fraction=1.0)
    job.refresh_from_db()
    assert (job.done, job.total, job.fraction, job.result) == (3, 3, 1.0, {"new": 3})
    assert job.finished_at is not None


@pytest.mark.parametrize(
    ("fields", "listed"),
    [
        ({}, True),
        ({"published_at": NOW()}, False),
        ({"state": JobState.RUNNING}, False),
        ({"state": JobState.RETRYING, "due_at": NOW() - timedelta(hours=1)}, True),
        ({"state": JobState.RETRYING, "due_at": NOW() + timedelta(hours=1)}, False),
    ],
)
def test_what_the_broker_should_have_and_has_not(fields: dict[str, object], listed: bool) -> None:
    job = make(**{"queued_at": NOW() - timedelta(hours=2), **fields})  # type: ignore[arg-type]
    late = Job.objects.unpublished(before=NOW())
    assert list(late) == ([job] if listed else [])


@pytest.mark.parametrize(("silent_for", "lost"), [(25, False), (31, True)])
def test_a_lease_runs_out_after_its_time(silent_for: int, lost: bool) -> None:
    heartbeat_at = NOW() - timedelta(seconds=silent_for)
    job = make(JobState.RUNNING, heartbeat_at=heartbeat_at, attempt=1)
    assert transitions.lose(job, silence=timedelta(seconds=30)) is lost


@pytest.mark.parametrize(("losses", "rescued"), [(2, True), (3, False), (4, False)])
def test_a_job_may_lose_so_many_workers(losses: int, rescued: bool) -> None:
    job = make(JobState.LOST, losses=losses, max_attempts=3)
    assert transitions.rescue(job.pk) is rescued
    assert transitions.give_up(job.pk, code="c", error="Lost.") is not rescued


def test_a_job_that_is_run_again_keeps_its_attempts_and_nothing_of_its_end() -> None:
    job = make(
        JobState.FAILED, attempt=2, error="It broke.", traceback="t", fraction=0.5, done=3, losses=3
    )
    assert transitions.run_again(job.pk, options={"priority": 3}, phases=(), text="Queued again")
    job.refresh_from_db()
    assert (job.error, job.traceback, job.fraction, job.done, job.losses) == ("", "", None, 0, 0)
    assert (job.attempt, job.options) == (2, {"priority": 3})
    assert lease.claim(job.pk, worker="w")


def test_a_running_job_is_asked_to_end_once() -> None:
    job = make(JobState.RUNNING)
    assert transitions.request_cancel(job.pk)
    assert not transitions.request_cancel(job.pk)
    job.refresh_from_db()
    assert (job.state, job.revision) == (JobState.RUNNING, 0)

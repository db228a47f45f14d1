from collections.abc import Callable

import pytest
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks

from realtime.actions import cancel
from realtime.batches import rollup
from realtime.batches.rollup import (
    end_cancelled,
    end_failed,
)
from realtime.jobs import lease
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.states import EventKind, JobState
from realtime.tests.support.batches import (
    batch_of,
    child_task,
    children_of,
    claim,
    rolled_up,
    succeed,
)
from realtime.tests.support.people import user

pytestmark = pytest.mark.django_db


def test_a_cancelled_batch_cancels_its_jobs(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    batch = batch_of(3)
    running, done, waiting = children_of(batch)
    claim(running)
    succeed(done)
    assert cancel(batch, actor=user(), reason="By mistake")
    states = [job.state for job in children_of(batch)]
    assert states == [JobState.RUNNING, JobState.SUCCEEDED, JobState.CANCELLED]
    assert waiting.events.last().state == JobState.CANCELLED  # type: ignore[union-attr]
    running.refresh_from_db()
    assert running.cancel_requested_at is not None
    batch.refresh_from_db()
    assert batch.state == JobState.RUNNING  # until the running one has ended
    assert lease.cancel_running(running)
    assert rolled_up(batch).state == JobState.CANCELLED
    assert batch.events.get(kind=EventKind.ACTION).reason == "By mistake"


def test_a_batch_that_only_waits_is_cancelled_at_once() -> None:
    batch = batch_of(2)
    cancel(batch)
    batch.refresh_from_db()
    assert (batch.state, batch.counts) == (JobState.CANCELLED, {"cancelled": 2})
    assert not cancel(batch)


def test_a_batch_that_was_done_before_the_cancelling_took_effect_succeeded() -> None:
    batch = batch_of(1)
    running = claim(children_of(batch)[0])
    cancel(batch)
    lease.finish(running, result=1)
    assert rolled_up(batch).state == JobState.SUCCEEDED


def test_a_batch_within_a_batch_is_cancelled_too() -> None:
    outer = batch_of(1)
    inner = batch_of(2, parent=outer)
    cancel(outer)
    assert Job.objects.filter(state=JobState.CANCELLED).count() >= 3
    rolled_up(inner)
    assert rolled_up(outer).state == JobState.CANCELLED


def test_a_cancelled_task_takes_the_jobs_that_it_has_made_with_it() -> None:
    job = claim(enqueue(child_task))
    before = enqueue(child_task, parent=job)
    assert cancel(job)
    before.refresh_from_db()
    assert before.state == JobState.CANCELLED
    after = enqueue(child_task, parent=job)
    lease.finish(job, result=7)
    assert rolled_up(job).state == JobState.CANCELLED
    after.refresh_from_db()
    assert after.state == JobState.CANCELLED


def test_a_cancelled_batch_cancels_the_jobs_of_a_job_that_waits_for_its_next_try() -> None:
    batch = batch_of(1)
    body = claim(children_of(batch)[0])
    made = enqueue(child_task, parent=body)
    assert lease.retry_later(body, due_at=timezone.now(), error="Later.")
    assert cancel(batch)
    made.refresh_from_db()
    assert made.state == JobState.CANCELLED


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("end", [end_cancelled, end_failed])
def test_what_is_made_after_a_cancel_is_cancelled_however_the_body_ends(
    end: Callable[..., bool], asked: bool
) -> None:
    job = claim(enqueue(child_task))
    if asked:
        assert cancel(job)
    made = enqueue(child_task, parent=job)
    assert end(job, **{"code": "c", "error": "It broke."} if end is end_failed else {})
    made.refresh_from_db()
    cancelled = asked or end is end_cancelled
    assert made.state == (JobState.CANCELLED if cancelled else JobState.QUEUED)


def test_the_end_of_a_cancelled_body_and_that_of_its_jobs_are_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(job: Job) -> None:
        raise KeyboardInterrupt

    job = claim(enqueue(child_task))
    enqueue(child_task, parent=job)
    monkeypatch.setattr(rollup, "cancel_descendants", die)
    with pytest.raises(KeyboardInterrupt):
        end_cancelled(job)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING  # for its lease to find

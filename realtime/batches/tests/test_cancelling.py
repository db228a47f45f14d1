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


def test_cancelling_a_batch_cancels_its_children(
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
    assert batch.state == JobState.RUNNING  # until the running child has ended
    assert lease.cancel_running(running)
    assert rolled_up(batch).state == JobState.CANCELLED
    assert batch.events.get(kind=EventKind.ACTION).reason == "By mistake"


def test_a_batch_without_running_children_is_cancelled_at_once() -> None:
    batch = batch_of(2)
    cancel(batch)
    batch.refresh_from_db()
    assert (batch.state, batch.counts) == (JobState.CANCELLED, {"cancelled": 2})
    assert not cancel(batch)


def test_a_batch_succeeds_if_its_last_child_succeeds_after_the_request() -> None:
    batch = batch_of(1)
    running = claim(children_of(batch)[0])
    cancel(batch)
    lease.finish(running, result=1)
    assert rolled_up(batch).state == JobState.SUCCEEDED


def test_cancelling_a_batch_cancels_an_inner_batch() -> None:
    outer = batch_of(1)
    inner = batch_of(2, parent=outer)
    cancel(outer)
    assert Job.objects.filter(state=JobState.CANCELLED).count() >= 3
    rolled_up(inner)
    assert rolled_up(outer).state == JobState.CANCELLED


def test_cancelling_a_job_cancels_its_children() -> None:
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


def test_cancelling_a_batch_cancels_the_children_of_a_retrying_child() -> None:
    batch = batch_of(1)
    body = claim(children_of(batch)[0])
    child = enqueue(child_task, parent=body)
    assert lease.retry_later(body, due_at=timezone.now(), error="Later.")
    assert cancel(batch)
    child.refresh_from_db()
    assert child.state == JobState.CANCELLED


@pytest.mark.parametrize("is_requested", [True, False])
@pytest.mark.parametrize("end", [end_cancelled, end_failed])
def test_children_created_after_a_cancel_request_are_cancelled(
    end: Callable[..., bool], is_requested: bool
) -> None:
    job = claim(enqueue(child_task))
    if is_requested:
        assert cancel(job)
    child = enqueue(child_task, parent=job)
    assert end(job, **{"code": "c", "error": "It broke."} if end is end_failed else {})
    child.refresh_from_db()
    is_cancelled = is_requested or end is end_cancelled
    assert child.state == (JobState.CANCELLED if is_cancelled else JobState.QUEUED)


def test_a_cancelled_body_and_its_children_end_in_one_transaction(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(job: Job) -> None:
        raise KeyboardInterrupt

    job = claim(enqueue(child_task))
    enqueue(child_task, parent=job)
    monkeypatch.setattr(rollup, "cancel_descendants", interrupt)
    with pytest.raises(KeyboardInterrupt):
        end_cancelled(job)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING  # rescued when its lease has expired

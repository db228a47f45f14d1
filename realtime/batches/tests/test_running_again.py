from uuid import UUID

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from realtime.actions import run_again
from realtime.batches.batch import enqueue_batch
from realtime.jobs import lease
from realtime.jobs.create import enqueue
from realtime.models import Job, JobItem
from realtime.states import JobState
from realtime.tests.support.batches import (
    batch_of,
    child_task,
    children_of,
    claim,
    fail,
    rolled_up,
    succeed,
)
from realtime.tests.support.people import user

pytestmark = pytest.mark.django_db


def test_a_failed_batch_runs_its_failed_children_again(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, queued: list[UUID]
) -> None:
    batch = batch_of(3)
    good, bad, retried = children_of(batch)
    succeed(good)
    fail(bad)
    Job.objects.filter(pk=retried.pk).update(options={"retries": 2, "priority": 1})
    fail(retried)
    rolled_up(batch)
    with django_capture_on_commit_callbacks(execute=True):
        assert run_again(batch, actor=user())
    assert queued == [bad.pk, retried.pk]
    assert [job.state for job in children_of(batch)] == ["succeeded", "queued", "queued"]
    retried.refresh_from_db()
    assert (retried.options, retried.error) == ({"priority": 1}, "")
    assert retried.published_at is None
    batch = rolled_up(batch)
    assert (batch.state, batch.done, batch.error) == (JobState.RUNNING, 1, "")
    succeed(bad)
    succeed(retried)
    batch = rolled_up(batch)
    assert (batch.state, batch.counts) == (JobState.SUCCEEDED, {"succeeded": 3})


@pytest.mark.parametrize(("keep", "items"), [(True, 1), (False, 0)])
def test_a_successful_batch_runs_all_children_again(keep: bool, items: int) -> None:
    batch = batch_of(1)
    (job,) = children_of(batch)
    JobItem.objects.create(job=job, key="ada", outcome="failed")
    succeed(job)
    Job.objects.filter(pk=job.pk).update(failed=1)
    rolled_up(batch)
    assert run_again(batch, keep_ledger=keep)
    job.refresh_from_db()
    assert (job.state, job.items.count(), job.failed) == (JobState.QUEUED, items, items)


def test_an_unfinished_batch_is_not_run_again() -> None:
    assert not run_again(batch_of(1))


def test_running_a_child_again_reopens_its_ancestors() -> None:
    outer = enqueue_batch(child_task, [], title="Outer")
    inner = batch_of(1, parent=outer)
    (job,) = children_of(inner)
    fail(job)
    rolled_up(inner)
    assert rolled_up(outer).state == JobState.FAILED
    assert run_again(job)
    for batch in (inner, outer):
        batch.refresh_from_db()
        assert batch.state == JobState.RUNNING
    succeed(job)
    rolled_up(inner)
    assert rolled_up(outer).state == JobState.SUCCEEDED


def test_a_child_that_cannot_run_again_reopens_no_batch() -> None:
    batch = batch_of(2)
    fail(children_of(batch)[0])
    job = children_of(batch)[1]
    succeed(job)
    rolled_up(batch)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    assert not run_again(job)
    batch.refresh_from_db()
    assert batch.state == JobState.FAILED


def test_a_failed_fan_out_runs_its_failed_children_again_and_not_its_body() -> None:
    job = claim(enqueue(child_task))
    child = enqueue(child_task, parent=job)
    lease.finish(job, result=7)
    fail(child)
    assert rolled_up(job).error == "1 of 1 failed."
    assert run_again(job)
    succeed(child)
    job = rolled_up(job)
    assert (job.state, job.result, job.attempt) == (JobState.SUCCEEDED, 7, 1)

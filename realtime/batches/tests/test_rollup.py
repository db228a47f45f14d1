from collections.abc import Callable
from uuid import uuid4

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from realtime.batches.rollup import (
    batches_to_roll_up,
    roll_up,
    roll_up_ended,
)
from realtime.jobs import transitions
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.snapshots.build import load_for_snapshots, public
from realtime.states import FINISHED, JobState
from realtime.tests.support.batches import (
    batch_of,
    child_task,
    children_of,
    claim,
    fail,
    rolled_up,
    succeed,
)

pytestmark = pytest.mark.django_db


def test_the_progress_of_a_batch_is_the_total_of_its_children() -> None:
    batch = batch_of(5)
    first, second, third, fourth, _ = children_of(batch)
    succeed(first)
    fail(second)
    transitions.cancel_waiting(third.pk)
    Job.objects.filter(pk=claim(fourth).pk).update(fraction=0.5)
    batch = rolled_up(batch)
    assert (batch.state, batch.done, batch.total) == (JobState.RUNNING, 3, 5)
    assert batch.fraction == pytest.approx(3.5 / 5)
    assert batch.counts == {"succeeded": 1, "failed": 1, "cancelled": 1}
    assert batch.message == "1 running, 1 waiting"
    assert batch.tick > 0


def test_the_fraction_of_a_batch_never_decreases() -> None:
    batch = batch_of(2)
    running = claim(children_of(batch)[0])
    Job.objects.filter(pk=running.pk).update(fraction=0.8)
    assert rolled_up(batch).fraction == pytest.approx(0.4)
    Job.objects.filter(pk=running.pk).update(fraction=None)
    assert rolled_up(batch).fraction == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("ends", "state", "error"),
    [
        ([succeed, succeed], JobState.SUCCEEDED, ""),
        ([succeed, fail], JobState.FAILED, "1 of 2 failed."),
        ([fail, fail], JobState.FAILED, "2 of 2 failed."),
    ],
)
def test_a_batch_ends_with_its_last_child(
    ends: list[Callable[[Job], None]], state: JobState, error: str
) -> None:
    batch = batch_of(2)
    first, second = children_of(batch)
    ends[0](first)
    assert rolled_up(batch).state == JobState.RUNNING
    ends[1](second)
    batch = rolled_up(batch)
    assert (batch.state, batch.error, batch.fraction, batch.done) == (state, error, 1.0, 2)
    assert batch.error_code == ("jobs_failed" if error else "")
    assert batch.message == ""
    assert batch.finished_at is not None
    assert batch.events.filter(state__in=FINISHED).count() == 1


def test_a_cancelled_child_does_not_fail_its_batch() -> None:
    batch = batch_of(2)
    first, second = children_of(batch)
    transitions.cancel_waiting(first.pk)
    succeed(second)
    batch = rolled_up(batch)
    assert batch.state == JobState.SUCCEEDED
    assert batch.counts == {"succeeded": 1, "cancelled": 1}


def test_a_batch_ends_once() -> None:
    batch = batch_of(1)
    succeed(children_of(batch)[0])
    revision = rolled_up(batch).revision
    assert rolled_up(batch).revision == revision
    assert batch.events.filter(state=JobState.SUCCEEDED).count() == 1


def test_a_roll_up_without_changes_does_not_notify(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    batch = rolled_up(batch_of(2))
    with django_capture_on_commit_callbacks() as callbacks:
        roll_up(batch.pk)
    assert callbacks == []


def test_a_roll_up_of_a_job_that_is_no_batch_does_nothing() -> None:
    job = claim(enqueue(child_task))
    roll_up(job.pk)
    roll_up(uuid4())
    job.refresh_from_db()
    assert (job.state, job.tick, job.revision) == (JobState.RUNNING, 0, 1)


def test_the_parent_and_a_new_batch_are_rolled_up() -> None:
    batch = batch_of(1)
    (job,) = children_of(batch)
    assert batches_to_roll_up([job]) == {batch.pk}
    assert batches_to_roll_up([batch]) == {batch.pk}  # new
    assert batches_to_roll_up([rolled_up(batch)]) == set()  # changed by a roll-up only
    assert batches_to_roll_up([enqueue(child_task)]) == set()


def test_snapshots_contain_the_totals() -> None:
    batch = batch_of(2)
    succeed(children_of(batch)[0])
    snapshot = public(load_for_snapshots([rolled_up(batch).pk])[0])
    assert (snapshot.done, snapshot.total, snapshot.unit) == (1, 2, "job")
    assert (snapshot.counts, snapshot.place, snapshot.reason) == ({"succeeded": 1}, None, "")


def test_batches_that_a_dead_process_left_are_rolled_up() -> None:
    batch, unfinished = batch_of(1), batch_of(1)
    succeed(children_of(batch)[0])
    assert roll_up_ended(500) == 1
    batch.refresh_from_db()
    unfinished.refresh_from_db()
    assert (batch.state, unfinished.state) == (JobState.SUCCEEDED, JobState.RUNNING)

"""A body that fans out and runs again creates no child job a second time."""

from datetime import timedelta

import pytest
from celery import shared_task
from django.db.models.functions import Now

from realtime.actions import cancel, run_again
from realtime.batches.batch import enqueue_batch
from realtime.batches.rollup import roll_up
from realtime.errors import JobEnded, LeaseLost
from realtime.jobs import lease, transitions
from realtime.jobs.create import enqueue
from realtime.jobs.reuse import hash_calls
from realtime.models import Job
from realtime.states import JobState
from realtime.tasks import JobTask

pytestmark = pytest.mark.django_db


@shared_task(base=JobTask, name="test.reuse.child", title="Child")
def child_task(number: int = 0, *, loud: bool = False) -> int:
    return number


def claim(job: Job) -> Job:
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    return claimed


def rescued(parent: Job) -> Job:
    """The next attempt, after the worker of the first one was lost."""
    assert transitions.lose(parent, silence=timedelta(seconds=-1))
    assert transitions.rescue(parent.pk)
    return claim(parent)


def run_again_and_claim(parent: Job, *, keep_ledger: bool = True) -> Job:
    """The next attempt, after the first one failed and a user ran the job again."""
    assert lease.fail(parent, code="c", error="It broke.")
    assert run_again(Job.objects.get(pk=parent.pk), keep_ledger=keep_ledger)
    return claim(parent)


def fail(job: Job) -> None:
    assert lease.fail(claim(job), code="c", error="It broke.")


def state_of(job: Job) -> str:
    return Job.objects.get(pk=job.pk).state


def test_after_a_rescue_existing_children_are_reused() -> None:
    parent = claim(enqueue(child_task))
    children = [enqueue(child_task, args=(n,), parent=parent) for n in range(3)]
    parent = rescued(parent)
    again = [enqueue(child_task, args=(n,), parent=parent) for n in range(5)]
    assert [job.pk for job in again[:3]] == [job.pk for job in children]
    assert parent.children.count() == 5


def test_calls_are_compared_by_task_title_and_arguments_in_any_order() -> None:
    parent = claim(enqueue(child_task))
    one = enqueue(child_task, kwargs={"number": 1, "loud": True}, parent=parent)
    two = enqueue(child_task, args=(2,), parent=parent)
    titled = enqueue(child_task, args=(2,), title="Two", parent=parent)
    parent = rescued(parent)
    assert enqueue(child_task, args=(2,), title="Two", parent=parent).pk == titled.pk
    assert enqueue(child_task, args=(2,), parent=parent).pk == two.pk
    assert enqueue(child_task, kwargs={"loud": True, "number": 1}, parent=parent).pk == one.pk
    assert enqueue(child_task, args=(1,), parent=parent).pk not in {one.pk, two.pk, titled.pk}


def test_each_of_several_equal_calls_reuses_another_child() -> None:
    parent = claim(enqueue(child_task))
    children = [enqueue(child_task, parent=parent) for _ in range(2)]
    parent = rescued(parent)
    again = [enqueue(child_task, parent=parent) for _ in range(3)]
    assert [job.pk for job in again[:2]] == [job.pk for job in children]
    assert parent.children.count() == 3


def test_only_the_claimed_parent_reuses_children() -> None:
    parent = claim(enqueue(child_task))
    child = enqueue(child_task, parent=parent)
    parent = rescued(parent)
    assert enqueue(child_task, parent=Job.objects.get(pk=parent.pk)).pk != child.pk
    assert enqueue(child_task, parent=parent).pk == child.pk


def test_a_first_attempt_reuses_nothing() -> None:
    parent = claim(enqueue(child_task))
    assert len({enqueue(child_task, parent=parent).pk for _ in range(3)}) == 3
    assert parent.reusable_children is None


def test_after_a_rescue_failed_children_do_not_run_again() -> None:
    parent = claim(enqueue(child_task))
    failed, cancelled = (enqueue(child_task, args=(n,), parent=parent) for n in range(2))
    fail(failed)
    cancel(cancelled)
    parent = rescued(parent)
    for n in range(2):
        enqueue(child_task, args=(n,), parent=parent)
    assert state_of(failed) == JobState.FAILED
    assert state_of(cancelled) == JobState.CANCELLED
    assert parent.children.count() == 2


def test_running_the_parent_again_runs_failed_children_again() -> None:
    parent = claim(enqueue(child_task))
    failed, succeeded = (enqueue(child_task, args=(n,), parent=parent) for n in range(2))
    fail(failed)
    assert lease.finish(claim(succeeded), result=1)
    parent = run_again_and_claim(parent)
    for n in range(2):
        enqueue(child_task, args=(n,), parent=parent)
    assert state_of(failed) == JobState.QUEUED
    assert state_of(succeeded) == JobState.SUCCEEDED
    assert parent.children.count() == 2


def test_a_rescue_of_a_second_run_runs_the_remaining_failed_children_again() -> None:
    parent = claim(enqueue(child_task))
    children = [enqueue(child_task, args=(n,), parent=parent) for n in range(3)]
    for child in children:
        fail(child)
    parent = run_again_and_claim(parent)
    enqueue(child_task, args=(0,), parent=parent)
    fail(children[0])
    parent = rescued(parent)
    for n in range(3):
        enqueue(child_task, args=(n,), parent=parent)
    assert [state_of(child) for child in children] == [
        JobState.FAILED,
        JobState.QUEUED,
        JobState.QUEUED,
    ]


def test_running_the_parent_again_runs_failed_grandchildren_again() -> None:
    parent = claim(enqueue(child_task))
    inner = enqueue(child_task, args=(1,), parent=parent)
    running = claim(inner)
    leaf = enqueue(child_task, args=(2,), parent=running)
    assert lease.finish(running, result=1)
    fail(leaf)
    roll_up(inner.pk)
    assert state_of(inner) == JobState.FAILED
    parent = run_again_and_claim(parent)
    assert enqueue(child_task, args=(1,), parent=parent).pk == inner.pk
    assert (state_of(inner), state_of(leaf)) == (JobState.RUNNING, JobState.QUEUED)


def test_running_a_batch_from_the_start_runs_all_descendants_again() -> None:
    batch = enqueue_batch(child_task, [(1,)], title="One")
    parent = claim(batch.children.get())
    leaf = enqueue(child_task, args=(2,), parent=parent)
    assert lease.finish(claim(leaf), result=1)
    assert lease.fail(parent, code="c", error="It broke.")
    roll_up(batch.pk)
    assert run_again(Job.objects.get(pk=batch.pk), keep_ledger=False)
    assert state_of(parent) == state_of(leaf) == JobState.QUEUED


def test_numbers_are_compared_as_databases_store_them() -> None:
    numbers = [1e16, 1.5e300, 1e-7, -0.0, 2**60, 2**60 + 1, 1.5]
    parent = claim(enqueue(child_task))
    children = [enqueue(child_task, args=(number,), parent=parent).pk for number in numbers]
    parent = rescued(parent)
    assert [enqueue(child_task, args=(number,), parent=parent).pk for number in numbers] == children


def test_running_the_parent_from_the_start_runs_all_children_again() -> None:
    parent = claim(enqueue(child_task))
    failed, succeeded = (enqueue(child_task, args=(n,), parent=parent) for n in range(2))
    fail(failed)
    assert lease.finish(claim(succeeded), result=1)
    parent = run_again_and_claim(parent, keep_ledger=False)
    for n in range(2):
        enqueue(child_task, args=(n,), parent=parent)
    assert state_of(failed) == state_of(succeeded) == JobState.QUEUED
    assert parent.children.count() == 2


def batch_in(parent: Job) -> Job:
    return enqueue_batch(child_task, [(n,) for n in range(3)], title="Three", parent=parent)


def test_an_inner_batch_is_reused() -> None:
    parent = claim(enqueue(child_task))
    batch = batch_in(parent)
    parent = rescued(parent)
    assert batch_in(parent).pk == batch.pk
    assert batch_in(parent).pk != batch.pk
    assert Job.objects.filter(parent=batch).count() == 3


def test_running_the_parent_again_runs_failed_jobs_of_an_inner_batch_again() -> None:
    parent = claim(enqueue(child_task))
    batch = batch_in(parent)
    first = Job.objects.filter(parent=batch).earliest("pk")
    fail(first)
    Job.objects.filter(pk=batch.pk).update(state=JobState.FAILED, finished_at=Now())
    parent = run_again_and_claim(parent)
    assert batch_in(parent).pk == batch.pk
    assert state_of(first) == JobState.QUEUED
    assert state_of(batch) == JobState.RUNNING


def test_a_batch_with_other_calls_is_not_reused() -> None:
    parent = claim(enqueue(child_task))
    batch = batch_in(parent)
    parent = rescued(parent)
    other = enqueue_batch(child_task, [(n,) for n in range(4)], title="Three", parent=parent)
    assert other.pk != batch.pk
    assert Job.objects.filter(parent=other).count() == 4
    assert batch_in(parent).pk == batch.pk


@pytest.mark.parametrize("ended", [False, True])
def test_an_attempt_that_lost_its_lease_creates_no_child(ended: bool) -> None:
    lost_attempt = claim(enqueue(child_task))
    parent = rescued(lost_attempt)
    enqueue(child_task, args=(7,), parent=parent)
    if ended:
        lease.fail(parent, code="c", error="It broke.")
    for add in (enqueue, enqueue_batch):
        call = {"args": (7,)} if add == enqueue else {"calls": [(7,)], "title": "T"}
        with pytest.raises(JobEnded if ended else LeaseLost):
            add(child_task, parent=lost_attempt, **call)
    assert parent.children.count() == 1


def test_hashes_stay_equal_to_those_that_are_stored() -> None:
    calls = [
        Job(task="t", title="T", args=[1.0, "é"], kwargs={"a": None}),
        Job(task="t", title="T"),
    ]
    assert hash_calls(calls) == "382931329e2ed57eb0ad8fed8e15b5ba825e19c2a99b0c85d4d14c02a476ae9e"

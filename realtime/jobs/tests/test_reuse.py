"""That a body which fans out, and is run again, makes no part a second time."""

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
from realtime.models import Job
from realtime.states import JobState
from realtime.tasks import JobTask

pytestmark = pytest.mark.django_db


@shared_task(base=JobTask, name="test.reruns.part", title="Do a part")
def part(number: int = 0, *, loud: bool = False) -> int:
    return number


def start(job: Job) -> Job:
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    return claimed


def rescued(body: Job) -> Job:
    """The next attempt of a body whose worker was lost."""
    assert transitions.lose(body, silence=timedelta(seconds=-1))
    assert transitions.rescue(body.pk)
    return start(body)


def by_hand(body: Job, *, keep_ledger: bool = True) -> Job:
    """The next attempt of a body that had failed."""
    assert lease.fail(body, code="c", error="It broke.")
    assert run_again(Job.objects.get(pk=body.pk), keep_ledger=keep_ledger)
    return start(body)


def fail(job: Job) -> None:
    assert lease.fail(start(job), code="c", error="It broke.")


def state(job: Job) -> str:
    return Job.objects.get(pk=job.pk).state


def test_the_parts_reusable_children_the_loss_are_made_once() -> None:
    body = start(enqueue(part))
    made = [enqueue(part, args=(n,), parent=body) for n in range(3)]
    body = rescued(body)
    again = [enqueue(part, args=(n,), parent=body) for n in range(5)]
    assert [job.pk for job in again[:3]] == [job.pk for job in made]
    assert body.children.count() == 5


def test_they_are_recognised_in_any_order_and_by_all_that_was_asked() -> None:
    body = start(enqueue(part))
    one = enqueue(part, kwargs={"number": 1, "loud": True}, parent=body)
    two = enqueue(part, args=(2,), parent=body)
    titled = enqueue(part, args=(2,), title="Two", parent=body)
    body = rescued(body)
    assert enqueue(part, args=(2,), title="Two", parent=body).pk == titled.pk
    assert enqueue(part, args=(2,), parent=body).pk == two.pk
    assert enqueue(part, kwargs={"loud": True, "number": 1}, parent=body).pk == one.pk
    assert enqueue(part, args=(1,), parent=body).pk not in {one.pk, two.pk, titled.pk}


def test_of_equal_calls_each_stands_for_one() -> None:
    body = start(enqueue(part))
    made = [enqueue(part, parent=body) for _ in range(2)]
    body = rescued(body)
    again = [enqueue(part, parent=body) for _ in range(3)]
    assert [job.pk for job in again[:2]] == [job.pk for job in made]
    assert body.children.count() == 3


def test_who_is_not_the_body_gets_one_more_part() -> None:
    body = start(enqueue(part))
    made = enqueue(part, parent=body)
    body = rescued(body)
    assert enqueue(part, parent=Job.objects.get(pk=body.pk)).pk != made.pk
    assert enqueue(part, parent=body).pk == made.pk


def test_a_first_attempt_asks_nobody() -> None:
    body = start(enqueue(part))
    assert len({enqueue(part, parent=body).pk for _ in range(3)}) == 3
    assert body.reusable_children is None


def test_a_rescue_leaves_what_came_to_nothing() -> None:
    body = start(enqueue(part))
    failed, cancelled = (enqueue(part, args=(n,), parent=body) for n in range(2))
    fail(failed)
    cancel(cancelled)
    body = rescued(body)
    for n in range(2):
        enqueue(part, args=(n,), parent=body)
    assert state(failed) == JobState.FAILED
    assert state(cancelled) == JobState.CANCELLED
    assert body.children.count() == 2


def test_who_runs_the_body_again_wants_those_too() -> None:
    body = start(enqueue(part))
    failed, succeeded = (enqueue(part, args=(n,), parent=body) for n in range(2))
    fail(failed)
    assert lease.finish(start(succeeded), result=1)
    body = by_hand(body)
    for n in range(2):
        enqueue(part, args=(n,), parent=body)
    assert state(failed) == JobState.QUEUED
    assert state(succeeded) == JobState.SUCCEEDED
    assert body.children.count() == 2


def test_a_rescue_of_what_was_run_again_by_hand_wants_the_rest_of_those() -> None:
    body = start(enqueue(part))
    made = [enqueue(part, args=(n,), parent=body) for n in range(3)]
    for each in made:
        fail(each)
    body = by_hand(body)
    enqueue(part, args=(0,), parent=body)
    fail(made[0])
    body = rescued(body)
    for n in range(3):
        enqueue(part, args=(n,), parent=body)
    assert [state(each) for each in made] == [JobState.FAILED, JobState.QUEUED, JobState.QUEUED]


def test_who_runs_the_body_again_wants_the_failed_jobs_of_a_part_that_fanned_out() -> None:
    body = start(enqueue(part))
    inner = enqueue(part, args=(1,), parent=body)
    running = start(inner)
    leaf = enqueue(part, args=(2,), parent=running)
    assert lease.finish(running, result=1)
    fail(leaf)
    roll_up(inner.pk)
    assert state(inner) == JobState.FAILED
    body = by_hand(body)
    assert enqueue(part, args=(1,), parent=body).pk == inner.pk
    assert (state(inner), state(leaf)) == (JobState.RUNNING, JobState.QUEUED)


def test_from_the_start_is_so_for_the_jobs_of_a_batchs_jobs_too() -> None:
    batch = enqueue_batch(part, [(1,)], title="One")
    body = start(batch.children.get())
    leaf = enqueue(part, args=(2,), parent=body)
    assert lease.finish(start(leaf), result=1)
    assert lease.fail(body, code="c", error="It broke.")
    roll_up(batch.pk)
    assert run_again(Job.objects.get(pk=batch.pk), keep_ledger=False)
    assert state(body) == state(leaf) == JobState.QUEUED


def test_numbers_are_recognised_however_a_database_keeps_them() -> None:
    numbers = [1e16, 1.5e300, 1e-7, -0.0, 2**60, 2**60 + 1, 1.5]
    body = start(enqueue(part))
    made = [enqueue(part, args=(number,), parent=body).pk for number in numbers]
    body = rescued(body)
    assert [enqueue(part, args=(number,), parent=body).pk for number in numbers] == made


def test_who_runs_it_from_the_start_wants_all_again() -> None:
    body = start(enqueue(part))
    failed, succeeded = (enqueue(part, args=(n,), parent=body) for n in range(2))
    fail(failed)
    assert lease.finish(start(succeeded), result=1)
    body = by_hand(body, keep_ledger=False)
    for n in range(2):
        enqueue(part, args=(n,), parent=body)
    assert state(failed) == state(succeeded) == JobState.QUEUED
    assert body.children.count() == 2


def batch_in(body: Job) -> Job:
    return enqueue_batch(part, [(n,) for n in range(3)], title="Three", parent=body)


def test_a_batch_within_is_made_once() -> None:
    body = start(enqueue(part))
    made = batch_in(body)
    body = rescued(body)
    assert batch_in(body).pk == made.pk
    assert batch_in(body).pk != made.pk
    assert Job.objects.filter(parent=made).count() == 3


def test_who_runs_the_body_again_wants_the_failed_jobs_of_a_batch_within() -> None:
    body = start(enqueue(part))
    batch = batch_in(body)
    first = Job.objects.filter(parent=batch).earliest("pk")
    fail(first)
    Job.objects.filter(pk=batch.pk).update(state=JobState.FAILED, finished_at=Now())
    body = by_hand(body)
    assert batch_in(body).pk == batch.pk
    assert state(first) == JobState.QUEUED
    assert state(batch) == JobState.RUNNING


def test_a_batch_of_other_calls_is_another_batch() -> None:
    body = start(enqueue(part))
    made = batch_in(body)
    body = rescued(body)
    other = enqueue_batch(part, [(n,) for n in range(4)], title="Three", parent=body)
    assert other.pk != made.pk
    assert Job.objects.filter(parent=other).count() == 4
    assert batch_in(body).pk == made.pk


@pytest.mark.parametrize("ended", [False, True])
def test_a_zombie_makes_no_part(ended: bool) -> None:
    zombie = start(enqueue(part))
    body = rescued(zombie)
    enqueue(part, args=(7,), parent=body)
    if ended:
        lease.fail(body, code="c", error="It broke.")
    for add in (enqueue, enqueue_batch):
        call = {"args": (7,)} if add == enqueue else {"calls": [(7,)], "title": "T"}
        with pytest.raises(JobEnded if ended else LeaseLost):
            add(part, parent=zombie, **call)
    assert body.children.count() == 1

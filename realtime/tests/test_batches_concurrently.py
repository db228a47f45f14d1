"""Many jobs of one batch that end at once: no end is lost, and the batch ends exactly once."""

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection, connections, transaction
from django.test import Client

from realtime.access import watch_key
from realtime.actions import cancel, run_again
from realtime.batches.batch import enqueue_batch
from realtime.batches.rollup import roll_up, roll_up_ended
from realtime.errors import JobEnded
from realtime.files import storage
from realtime.jobs import lease, transitions
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.states import FINISHED, JobState
from realtime.tests.chaos.form import QUICK
from realtime.tests.support.batch_tasks import QUEUE, even, fan_out, fan_out_and_die
from realtime.tests.support.polling import until
from realtime.tests.support.worker_process import Running, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

THREADS = 6
UNSERVED = "parts-unserved"
"""Where the messages of jobs go that the tests run themselves."""
PATIENCE = 150
"""Seconds; some waits begin with the start of a worker."""

END_SOME = """
import sys
import django
django.setup()
import realtime.tests.support.batch_tasks
from realtime.jobs import lease
from realtime.models import Job
share, shares = int(sys.argv[2]), int(sys.argv[3])
for number, job_id in enumerate(
    Job.objects.filter(parent_id=sys.argv[1]).order_by("pk").values_list("pk", flat=True)
):
    if number % shares == share:
        job = lease.claim(job_id, worker=str(share))
        if number % 2:
            lease.fail(job, code="odd", error="It is odd.")
        else:
            lease.finish(job, result=None)
"""


@pytest.fixture(autouse=True)
def _nobody_rolls_up_but_the_test(monkeypatch: pytest.MonkeyPatch) -> None:
    """What this process's bus would mend must not hide what is lost here."""
    monkeypatch.setattr("realtime.bus.bus.roll_up", lambda batch_id: None)


def batch_of(count: int, *, queue: str = UNSERVED) -> Job:
    return enqueue_batch(even, [(n,) for n in range(count)], title="Many", queue=queue)


def state_of(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def has_ended(job: Job) -> bool:
    return state_of(job) in FINISHED


def in_threads(work: Callable[[int], object], *, threads: int = THREADS) -> None:
    """`work(0)`, `work(1)`, … all begun at the same moment; raises what any of them raises."""
    line = threading.Barrier(threads)

    def run(number: int) -> None:
        line.wait(PATIENCE)
        try:
            work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(run, number) for number in range(threads)]:
            done.result(PATIENCE)


def end(job_id: UUID, state: JobState) -> None:
    if state == JobState.CANCELLED:
        assert transitions.cancel_waiting(job_id)
        return
    job = lease.claim(job_id, worker="w")
    assert job
    if state == JobState.FAILED:
        assert lease.fail(job, code="c", error="e")
    else:
        assert lease.finish(job, result=None)


@pytest.mark.parametrize("seed", range(3))
def test_no_end_is_lost_when_all_come_at_once(seed: int) -> None:
    chance = random.Random(seed)
    batch = batch_of(48)
    ends = [chance.choice(sorted(FINISHED)) for _ in range(48)]
    ids = list(batch.children.order_by("pk").values_list("pk", flat=True))
    seen: list[tuple[int, float]] = []

    def work(number: int) -> None:
        for job_id, state in list(zip(ids, ends, strict=True))[number::THREADS]:
            end(job_id, state)
            roll_up(batch.pk)
            if number == 0:
                now = Job.objects.get(pk=batch.pk)
                seen.append((now.done, now.fraction or 0.0))

    in_threads(work)
    batch.refresh_from_db()
    assert batch.counts == {state.value: ends.count(state) for state in FINISHED if state in ends}
    assert (batch.done, batch.total, batch.fraction) == (48, 48, 1.0)
    assert batch.state == JobState.FAILED
    assert batch.error == f"{ends.count(JobState.FAILED)} of 48 failed."
    assert batch.events.filter(state__in=FINISHED).count() == 1
    assert seen == sorted(seen)  # never backwards


def test_a_roll_up_that_comes_after_a_commit_has_seen_it() -> None:
    """One waits for the other, and counts afresh: the last one has seen both ends."""
    batch = batch_of(2)
    first, second = batch.children.order_by("pk")

    def work(number: int) -> None:
        end((first, second)[number].pk, JobState.SUCCEEDED)
        roll_up(batch.pk)

    in_threads(work, threads=2)
    assert state_of(batch) == JobState.SUCCEEDED


if connection.vendor == "postgresql":  # elsewhere one waits for the other in any case

    def test_a_cancel_and_a_roll_up_far_below_do_not_wait_for_each_other() -> None:
        outer = batch_of(1)
        body = lease.claim(outer.children.get().pk, worker="w")
        assert body
        inner = enqueue_batch(even, [(0,), (2,)], title="Two", queue=UNSERVED, parent=body)
        assert lease.finish(body, result=None)
        end(inner.children.earliest("pk").pk, JobState.SUCCEEDED)
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                roll_up(inner.pk)  # Its row is updated twice.
                cancelling = pool.submit(cancel_and_close, outer)
                until(waits_for_a_lock, within=PATIENCE, what="the cancel waits")
            assert cancelling.result(PATIENCE)
        outer.refresh_from_db()
        assert outer.cancel_requested_at
        inner.refresh_from_db()
        assert inner.cancel_requested_at


def cancel_and_close(job: Job) -> bool:
    try:
        return cancel(job)
    finally:
        connections.close_all()


def waits_for_a_lock() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


def test_many_roll_ups_of_the_last_end_end_it_once() -> None:
    batch = batch_of(1)
    end(batch.children.get().pk, JobState.SUCCEEDED)

    def work(number: int) -> None:
        roll_up(batch.pk)
        roll_up_ended(500)

    in_threads(work)
    batch.refresh_from_db()
    assert batch.events.filter(state=JobState.SUCCEEDED).count() == 1


def test_an_end_whose_transaction_is_open_is_not_counted_and_not_lost() -> None:
    batch = batch_of(2)
    first, second = batch.children.order_by("pk")
    end(first.pk, JobState.SUCCEEDED)
    with transaction.atomic():
        end(second.pk, JobState.SUCCEEDED)
        transaction.set_rollback(True)
    roll_up(batch.pk)
    assert state_of(batch) == JobState.RUNNING
    end(second.pk, JobState.SUCCEEDED)
    roll_up(batch.pk)
    assert state_of(batch) == JobState.SUCCEEDED


def test_no_job_that_a_body_makes_is_left_out_by_its_end() -> None:
    """A job is enqueued for a parent whose body ends at that moment: it counts, or is refused."""
    for _ in range(10):
        found = lease.claim(enqueue(fan_out, args=(0,), queue=UNSERVED).pk, worker="w")
        assert found
        parent = found

        def work(number: int, parent: Job = parent) -> None:
            if number:
                lease.finish(parent, result=None)
                return
            with suppress(JobEnded):
                enqueue(even, args=(0,), queue=UNSERVED, parent=parent)

        in_threads(work, threads=2)
        made = parent.children.count()
        assert state_of(parent) == (JobState.RUNNING if made else JobState.SUCCEEDED)


def test_a_cancellation_amid_the_ends_loses_none() -> None:
    batch = batch_of(40)
    ids = list(batch.children.order_by("pk").values_list("pk", flat=True))

    def work(number: int) -> None:
        if number == 0:
            cancel(batch)
            return
        for job_id in ids[number - 1 :: THREADS - 1]:
            if job := lease.claim(job_id, worker="w"):
                lease.finish(job, result=None)
            roll_up(batch.pk)

    in_threads(work)
    batch.refresh_from_db()
    assert sum(batch.counts.values()) == batch.done == 40
    assert batch.state == (
        JobState.CANCELLED if "cancelled" in batch.counts else JobState.SUCCEEDED
    )
    assert not batch.children.exclude(state__in=FINISHED).exists()


def test_two_who_run_a_batch_again_do_it_once() -> None:
    batch = batch_of(3)
    for job in batch.children.all():
        end(job.pk, JobState.FAILED)
    roll_up(batch.pk)
    batch.refresh_from_db()
    won = []
    in_threads(lambda _: won.append(run_again(batch)))
    assert sorted(won) == [False] * (THREADS - 1) + [True]
    for job in batch.children.all():
        assert job.events.filter(text="Queued again").count() == 1


def test_processes_that_end_jobs_at_once_and_die_lose_none() -> None:
    """Their buses add up before they go: nobody else does it here."""
    batch = batch_of(60)
    with (
        running("-c", END_SOME, str(batch.pk), "0", "3") as one,
        running("-c", END_SOME, str(batch.pk), "1", "3") as two,
        running("-c", END_SOME, str(batch.pk), "2", "3") as three,
    ):
        for each in (one, two, three):
            assert each.process.wait(PATIENCE) == 0, each.log
    batch.refresh_from_db()
    assert (batch.state, batch.error) == (JobState.FAILED, "30 of 60 failed.")
    assert batch.counts == {"succeeded": 30, "failed": 30}
    assert batch.events.filter(state__in=FINISHED).count() == 1


@contextmanager
def worker(**variables: str) -> Iterator[Running]:
    command = ["-m", "celery", "-A", "picha", "worker", "--without-gossip", "-l", "warning"]
    theirs = [
        "--include",
        "realtime.tests.support.batch_tasks",
        "-Q",
        QUEUE,
        "-c",
        "2",
        "-n",
        "parts@%h",
    ]
    with running(*command, *theirs, **variables) as process:
        yield process
        process.end()


def test_a_real_worker_runs_a_batch_to_its_end_and_again() -> None:
    batch = batch_of(20, queue=QUEUE)
    with worker() as process:
        until(lambda: has_ended(batch), within=PATIENCE, what=f"it ended: {process.log}")
        assert (batch.state, batch.error) == (JobState.FAILED, "10 of 20 failed.")
        assert run_again(batch)
        until(lambda: has_ended(batch), within=PATIENCE, what=f"it ended again: {process.log}")
    assert batch.counts == {"succeeded": 10, "failed": 10}
    attempts = list(batch.children.order_by("pk").values_list("attempt", flat=True))
    assert attempts == [1, 2] * 10


def test_a_real_worker_fans_out_and_attaches_a_file() -> None:
    job = enqueue(fan_out, args=(8,), queue=QUEUE)
    with worker() as process:
        until(lambda: has_ended(job), within=PATIENCE, what=f"it ended: {process.log}")
    assert (job.state, job.result, job.done, job.total) == (JobState.SUCCEEDED, 8, 8, 8)
    answer = Client().get(f"/jobs/{job.pk}/file/", {"key": watch_key(job.pk)})
    assert answer.getvalue() == b"as many as asked for"
    file = storage.file_of(job)
    assert file
    place: Path = storage.path_of(job, file)
    job.delete()
    assert not place.exists()


def test_a_fan_out_that_is_lost_half_way_makes_each_job_once() -> None:
    job = enqueue(fan_out_and_die, args=(8,), queue=QUEUE)
    with worker(**QUICK) as process:
        until(lambda: has_ended(job), within=PATIENCE, what=f"it ended: {process.log}")
    assert (job.state, job.done, job.total) == (JobState.SUCCEEDED, 8, 8)
    assert job.attempt >= 2  # a busy machine loses its short lease once more
    parts = list(job.children.order_by("pk").values_list("args", flat=True))
    assert parts == [[2 * number] for number in range(8)]


def test_what_expired_can_be_run_again() -> None:
    """By a worker that was sent its message too late."""
    job = enqueue(even, args=(0,), queue=QUEUE, expires=0.1)
    batch = enqueue_batch(even, [(0,)], title="One", queue=QUEUE, expires=0.1)
    both = (job, batch)
    with worker(**QUICK) as process:
        for each in both:
            until(lambda: has_ended(each), within=PATIENCE, what=f"it ended: {process.log}")  # noqa: B023
            assert each.state == JobState.FAILED
            assert run_again(each)
        for each in both:
            until(lambda: has_ended(each), within=PATIENCE, what=f"it ended: {process.log}")  # noqa: B023
    assert {each.state for each in both} == {JobState.SUCCEEDED}

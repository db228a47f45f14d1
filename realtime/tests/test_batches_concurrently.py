"""Many child jobs that end at the same time: none is missed, and the batch ends exactly once."""

import random
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from uuid import UUID

import pytest
from django.db import connection, connections, transaction

from realtime.actions import cancel, run_again
from realtime.batches.batch import enqueue_batch
from realtime.batches.rollup import roll_up, roll_up_ended
from realtime.bus.bus import bus
from realtime.errors import JobEnded
from realtime.jobs import lease, transitions
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.states import FINISHED, JobState
from realtime.tests.support.batch_tasks import even, fan_out
from realtime.tests.support.polling import until
from realtime.tests.support.worker_process import running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


THREADS = 6


UNSERVED = "unserved"
"""A queue without workers, for jobs that the tests claim themselves."""


TIMEOUT = 150
"""Seconds; some waits include the start of a worker."""


END_SHARE = """
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
def _no_roll_up_by_the_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A roll-up by the bus of this process would hide a missed one."""
    monkeypatch.setattr(bus(), "roll_up", lambda batch_id: None)


def batch_of(count: int) -> Job:
    return enqueue_batch(even, [(n,) for n in range(count)], title="Many", queue=UNSERVED)


def state_of(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def in_threads(work: Callable[[int], object], *, threads: int = THREADS) -> None:
    """Run `work(0)`, `work(1)`, … at the same time; raises what any of them raises."""
    barrier = threading.Barrier(threads)

    def run(number: int) -> None:
        barrier.wait(TIMEOUT)
        try:
            work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(threads) as pool:
        for done in [pool.submit(run, number) for number in range(threads)]:
            done.result(TIMEOUT)


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
def test_no_end_is_missed_if_all_children_end_at_once(seed: int) -> None:
    rng = random.Random(seed)
    batch = batch_of(48)
    ends = [rng.choice(sorted(FINISHED)) for _ in range(48)]
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
    assert seen == sorted(seen)  # never decreases


def test_a_roll_up_after_a_commit_counts_it() -> None:
    """One roll-up waits for the other and counts afterwards, so the last one counts both ends."""
    batch = batch_of(2)
    first, second = batch.children.order_by("pk")

    def work(number: int) -> None:
        end((first, second)[number].pk, JobState.SUCCEEDED)
        roll_up(batch.pk)

    in_threads(work, threads=2)
    assert state_of(batch) == JobState.SUCCEEDED


if connection.vendor == "postgresql":  # SQLite has one writer at a time

    def test_a_cancel_and_a_roll_up_of_a_descendant_do_not_deadlock() -> None:
        outer = batch_of(1)
        body = lease.claim(outer.children.get().pk, worker="w")
        assert body
        inner = enqueue_batch(even, [(0,), (2,)], title="Two", queue=UNSERVED, parent=body)
        assert lease.finish(body, result=None)
        end(inner.children.earliest("pk").pk, JobState.SUCCEEDED)
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                roll_up(inner.pk)  # It updates the row twice.
                cancelling = pool.submit(cancel_and_close, outer)
                until(waits_for_a_lock, within=TIMEOUT, what="the cancel waits")
            assert cancelling.result(TIMEOUT)
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


def test_concurrent_roll_ups_end_a_batch_once() -> None:
    batch = batch_of(1)
    end(batch.children.get().pk, JobState.SUCCEEDED)

    def work(number: int) -> None:
        roll_up(batch.pk)
        roll_up_ended(500)

    in_threads(work)
    batch.refresh_from_db()
    assert batch.events.filter(state=JobState.SUCCEEDED).count() == 1


def test_a_rolled_back_end_is_not_counted() -> None:
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


def test_a_child_that_is_created_while_its_parent_ends_is_counted_or_refused() -> None:
    for _ in range(10):
        claimed = lease.claim(enqueue(fan_out, args=(0,), queue=UNSERVED).pk, worker="w")
        assert claimed
        parent = claimed

        def work(number: int, parent: Job = parent) -> None:
            if number:
                lease.finish(parent, result=None)
                return
            with suppress(JobEnded):
                enqueue(even, args=(0,), queue=UNSERVED, parent=parent)

        in_threads(work, threads=2)
        number_of_children = parent.children.count()
        assert state_of(parent) == (JobState.RUNNING if number_of_children else JobState.SUCCEEDED)


def test_a_cancel_while_children_end_misses_none() -> None:
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


def test_concurrent_calls_of_run_again_run_a_batch_once() -> None:
    batch = batch_of(3)
    for job in batch.children.all():
        end(job.pk, JobState.FAILED)
    roll_up(batch.pk)
    batch.refresh_from_db()
    results = []
    in_threads(lambda _: results.append(run_again(batch)))
    assert sorted(results) == [False] * (THREADS - 1) + [True]
    for job in batch.children.all():
        assert job.events.filter(text="Queued again").count() == 1


def test_processes_that_end_children_and_exit_miss_none() -> None:
    """Their buses roll up before they exit; no other process does it in this test."""
    batch = batch_of(60)
    with (
        running("-c", END_SHARE, str(batch.pk), "0", "3") as one,
        running("-c", END_SHARE, str(batch.pk), "1", "3") as two,
        running("-c", END_SHARE, str(batch.pk), "2", "3") as three,
    ):
        for each in (one, two, three):
            assert each.process.wait(TIMEOUT) == 0, each.log
    batch.refresh_from_db()
    assert (batch.state, batch.error) == (JobState.FAILED, "30 of 60 failed.")
    assert batch.counts == {"succeeded": 30, "failed": 30}
    assert batch.events.filter(state__in=FINISHED).count() == 1

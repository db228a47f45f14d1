"""Batches and fan-outs that real Celery workers run."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.test import Client

from realtime.access import watch_key
from realtime.actions import run_again
from realtime.batches.batch import enqueue_batch
from realtime.bus.bus import bus
from realtime.files import storage
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.states import FINISHED, JobState
from realtime.tests.chaos.profiles import QUICK_SETTINGS
from realtime.tests.support.batch_tasks import QUEUE, even, fan_out, fan_out_and_die
from realtime.tests.support.polling import until
from realtime.tests.support.worker_process import Running, running

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]


TIMEOUT = 150
"""Seconds; some waits include the start of a worker."""


@pytest.fixture(autouse=True)
def _no_roll_up_by_the_bus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A roll-up by the bus of this process would hide a missed one."""
    monkeypatch.setattr(bus(), "roll_up", lambda batch_id: None)


def state_of(job: Job) -> str:
    job.refresh_from_db()
    return job.state


def has_ended(job: Job) -> bool:
    return state_of(job) in FINISHED


@contextmanager
def worker(**variables: str) -> Iterator[Running]:
    command = ["-m", "celery", "-A", "picha", "worker", "--without-gossip", "-l", "warning"]
    options = [
        "--include",
        "realtime.tests.support.batch_tasks",
        "-Q",
        QUEUE,
        "-c",
        "2",
        "-n",
        "batches@%h",
    ]
    with running(*command, *options, **variables) as process:
        yield process
        process.end()


def test_a_real_worker_runs_a_batch_to_its_end_and_again() -> None:
    batch = enqueue_batch(even, [(n,) for n in range(20)], title="Many", queue=QUEUE)
    with worker() as process:
        until(lambda: has_ended(batch), within=TIMEOUT, what=f"it ended: {process.log}")
        assert (batch.state, batch.error) == (JobState.FAILED, "10 of 20 failed.")
        assert run_again(batch)
        until(lambda: has_ended(batch), within=TIMEOUT, what=f"it ended again: {process.log}")
    assert batch.counts == {"succeeded": 10, "failed": 10}
    attempts = list(batch.children.order_by("pk").values_list("attempt", flat=True))
    assert attempts == [1, 2] * 10


def test_a_real_worker_fans_out_and_attaches_a_file() -> None:
    job = enqueue(fan_out, args=(8,), queue=QUEUE)
    with worker() as process:
        until(lambda: has_ended(job), within=TIMEOUT, what=f"it ended: {process.log}")
    assert (job.state, job.result, job.done, job.total) == (JobState.SUCCEEDED, 8, 8, 8)
    response = Client().get(f"/jobs/{job.pk}/file/", {"key": watch_key(job.pk)})
    assert response.getvalue() == b"a file"
    file = storage.file_of(job)
    assert file
    path: Path = storage.path_of(job, file)
    job.delete()
    assert not path.exists()


def test_a_fan_out_whose_worker_dies_creates_each_child_once() -> None:
    job = enqueue(fan_out_and_die, args=(8,), queue=QUEUE)
    with worker(**QUICK_SETTINGS) as process:
        until(lambda: has_ended(job), within=TIMEOUT, what=f"it ended: {process.log}")
    assert (job.state, job.done, job.total) == (JobState.SUCCEEDED, 8, 8)
    assert job.attempt >= 2  # a busy machine loses its short lease once more
    calls = list(job.children.order_by("pk").values_list("args", flat=True))
    assert calls == [[2 * number] for number in range(8)]


def test_an_expired_job_can_run_again() -> None:
    """By a worker that received the expired message."""
    job = enqueue(even, args=(0,), queue=QUEUE, expires=0.1)
    batch = enqueue_batch(even, [(0,)], title="One", queue=QUEUE, expires=0.1)
    both = (job, batch)
    with worker(**QUICK_SETTINGS) as process:
        for each in both:
            until(lambda: has_ended(each), within=TIMEOUT, what=f"it ended: {process.log}")  # noqa: B023
            assert each.state == JobState.FAILED
            assert run_again(each)
        for each in both:
            until(lambda: has_ended(each), within=TIMEOUT, what=f"it ended: {process.log}")  # noqa: B023
    assert {each.state for each in both} == {JobState.SUCCEEDED}

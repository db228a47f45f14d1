"""Time limits in a real worker, with its main process and its child processes."""

from typing import Any

import pytest

from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.states import FINISHED, JobState
from realtime.tests.support import example_tasks
from realtime.tests.support.polling import until
from realtime.tests.support.valkey import Valkey
from realtime.tests.support.worker_process import running_worker

TIMEOUT_SECONDS = 80
LEASE = 90
"""So long that no job is rescued, and run again, during a test."""


def run(valkey: Valkey, *tasks: Any) -> list[Job]:
    """Run these tasks at the same time in a real worker; return their jobs when all have ended."""
    with running_worker(concurrency=len(tasks), REALTIME_LEASE=str(LEASE)):
        jobs = [enqueue(task, queue=example_tasks.QUEUE) for task in tasks]
        ended = Job.objects.filter(state__in=FINISHED)
        until(
            lambda: ended.count() == len(tasks), within=TIMEOUT_SECONDS, what="all jobs have ended"
        )
        until(
            lambda: not are_unacknowledged(valkey, jobs),
            within=TIMEOUT_SECONDS,
            what="all messages are acknowledged",
        )
    return [Job.objects.get(pk=job.pk) for job in jobs]


def are_unacknowledged(valkey: Valkey, jobs: list[Job]) -> bool:
    """Whether the broker has messages of these jobs that the worker has not acknowledged.

    A worker that is stopped before it has the result of a task sends the signal of the soft limit
    again. If that interrupts the sending of the result, the worker hangs.
    """
    with valkey.client() as client:
        unacknowledged = b" ".join(client.hvals("unacked"))
    return any(str(job.pk).encode() in unacknowledged for job in jobs)


@pytest.mark.django_db(transaction=True)
def test_a_task_over_its_soft_limit_fails_with_its_sentence(valkey: Valkey) -> None:
    for job in run(
        valkey, example_tasks.sleep, example_tasks.async_sleep, example_tasks.async_use_socket
    ):
        assert (job.state, job.error_code, job.error, job.attempt) == (
            JobState.FAILED,
            "time_limit",
            f"It took longer than the {example_tasks.SOFT_LIMIT} s allowed.",
            1,
        ), job.task
        assert job.items.filter(outcome="begun").exists()
        assert "SoftTimeLimitExceeded" in job.traceback
        assert job.items.filter(outcome="tidied up").exists() is (
            job.task == example_tasks.async_sleep.name
        )


@pytest.mark.django_db(transaction=True)
def test_a_task_that_ignores_its_soft_limit_is_stopped_and_not_run_again(
    valkey: Valkey,
) -> None:
    for job in run(
        valkey,
        example_tasks.ignore_exceptions,
        example_tasks.async_ignore_exceptions,
        example_tasks.async_busy_loop,
    ):
        assert (job.state, job.error_code, job.error, job.attempt, job.losses) == (
            JobState.FAILED,
            "time_limit",
            f"It was stopped: it took over {example_tasks.HARD_LIMIT} s.",
            1,
            0,
        ), job.task
        assert job.finished_at is not None

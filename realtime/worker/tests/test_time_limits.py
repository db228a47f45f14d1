"""Time limits, with a real worker: its main process and its child processes take part."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery, current_app, shared_task

from realtime.batches.batch import enqueue_batch
from realtime.errors import TimeLimitRefused
from realtime.jobs.create import enqueue
from realtime.jobs.time_limits import FOR_ALL, problems
from realtime.models import Job
from realtime.states import FINISHED, JobState
from realtime.tasks import JobTask
from realtime.tests.support import example_tasks as work
from realtime.tests.support.polling import until
from realtime.tests.support.valkey import Valkey
from realtime.tests.support.worker_process import running_worker

WITHIN = 80
LEASE = 90
"""No job is rescued, and run again, before the test has ended."""


def run(valkey: Valkey, *tasks: Any) -> list[Job]:
    """Run these tasks at the same time in a real worker; returns their jobs when all have ended."""
    with running_worker(concurrency=len(tasks), REALTIME_LEASE=str(LEASE)):
        jobs = [enqueue(task, queue=work.QUEUE) for task in tasks]
        ended = Job.objects.filter(state__in=FINISHED)
        until(lambda: ended.count() == len(tasks), within=WITHIN, what="all end")
        until(
            lambda: not are_unacknowledged(valkey, jobs), within=WITHIN, what="all are acknowledged"
        )
    return [Job.objects.get(pk=job.pk) for job in jobs]


def are_unacknowledged(valkey: Valkey, jobs: list[Job]) -> bool:
    """A worker that ends before it has the result sends the soft limit signal again. If that
    interrupts the sending of the result, the worker hangs.
    """
    with valkey.client() as client:
        unacknowledged = b" ".join(client.hvals("unacked"))
    return any(str(job.pk).encode() in unacknowledged for job in jobs)


@pytest.mark.django_db(transaction=True)
def test_a_task_over_its_soft_limit_fails_with_its_sentence(valkey: Valkey) -> None:
    for job in run(valkey, work.sleep, work.async_sleep, work.async_use_socket):
        assert (job.state, job.error_code, job.error, job.attempt) == (
            JobState.FAILED,
            "time_limit",
            f"It took longer than the {work.SOFT_LIMIT} s allowed.",
            1,
        ), job.task
        assert job.items.filter(outcome="begun").exists()
        assert "SoftTimeLimitExceeded" in job.traceback
        assert job.items.filter(outcome="tidied up").exists() is (job.task == work.async_sleep.name)


@pytest.mark.django_db(transaction=True)
def test_a_task_that_ignores_its_soft_limit_is_stopped_and_not_run_again(
    valkey: Valkey,
) -> None:
    for job in run(
        valkey, work.ignore_exceptions, work.async_ignore_exceptions, work.async_busy_loop
    ):
        assert (job.state, job.error_code, job.error, job.attempt, job.losses) == (
            JobState.FAILED,
            "time_limit",
            f"It was stopped: it took over {work.HARD_LIMIT} s.",
            1,
            0,
        ), job.task
        assert job.finished_at is not None


@shared_task(base=JobTask, name="test.limits.free")
def free() -> None:
    pass


def app(*, soft: float | None = 25, hard: float | None = 30, **options: Any) -> Celery:
    made = Celery("limits", broker=options.pop("broker", "redis://"), set_as_current=False)
    made.conf.update(task_soft_time_limit=soft, task_time_limit=hard)
    made.conf.broker_transport_options = options
    return made


def found_for_all(made: Celery) -> list[str]:
    """Without those of single tasks: all shared ones are this app's too."""
    return [problem for problem in problems(made) if problem.startswith(FOR_ALL)]


@pytest.mark.parametrize(
    ("hard", "problem"),
    [
        (59, ""),
        (60, "All tasks: time_limit (60 s) must be below the broker's visibility_timeout (60 s)"),
        (61, "All tasks: time_limit (61 s) must be below the broker's visibility_timeout (60 s)"),
        (
            None,
            "All tasks: time_limit (not set) must be below the broker's visibility_timeout (60 s)",
        ),
    ],
)
def test_the_hard_limit_must_be_under_the_visibility_timeout(
    hard: float | None, problem: str
) -> None:
    found = found_for_all(app(hard=hard, visibility_timeout=60))
    assert "".join(found).startswith(problem)
    assert bool(found) is bool(problem)


@pytest.mark.parametrize(("hard", "wrong"), [(3599, 0), (3600, 1)])
def test_redis_has_a_visibility_timeout_of_an_hour(hard: int, wrong: int) -> None:
    assert len(found_for_all(app(hard=hard))) == wrong


def test_rabbitmq_has_none() -> None:
    assert found_for_all(app(hard=None, soft=None, broker="amqp://")) == []


@pytest.mark.parametrize(("soft", "wrong"), [(None, 0), (29, 0), (30, 1), (31, 1)])
def test_the_soft_limit_must_come_first(soft: float | None, wrong: int) -> None:
    found = found_for_all(app(soft=soft))
    assert len(found) == wrong
    assert all("soft_time_limit" in problem for problem in found)


@pytest.mark.parametrize(
    ("own", "wrong"),
    [
        ({}, 0),
        ({"time_limit": 59}, 0),
        ({"time_limit": 60}, 1),
        ({"time_limit": 20}, 1),
        ({"time_limit": 20, "soft_time_limit": 19}, 0),
        ({"soft_time_limit": 30}, 1),
    ],
)
def test_the_limits_of_single_tasks_are_looked_at_too(own: dict[str, Any], wrong: int) -> None:
    made = app(visibility_timeout=60)

    @made.task(name="long", shared=False, **own)
    def long() -> None:
        pass

    found = [problem for problem in problems(made) if "'long'" in problem]
    assert len(found) == wrong
    assert all(problem.startswith("Task 'long': ") for problem in found)


OF_ONE_CALL: list[tuple[dict[str, Any], str]] = [
    ({}, ""),
    ({"time_limit": 59}, ""),
    ({"time_limit": 60}, "time_limit (60 s) must be below the broker's visibility_timeout (60 s)"),
    ({"time_limit": 61}, "time_limit (61 s) must be below the broker's visibility_timeout (60 s)"),
    ({"time_limit": 20, "soft_time_limit": 19}, ""),
    ({"time_limit": 20}, "soft_time_limit (25 s) must be below time_limit (20 s)"),
    ({"soft_time_limit": 29}, ""),
    ({"soft_time_limit": 30}, "soft_time_limit (30 s) must be below time_limit (30 s)"),
    ({"soft_time_limit": 31}, "soft_time_limit (31 s) must be below time_limit (30 s)"),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("limits", "problem"), OF_ONE_CALL)
@pytest.mark.parametrize("way", ["enqueue", "apply_async", "batch"])
def test_the_limits_of_a_single_call_are_looked_at_too(
    monkeypatch: pytest.MonkeyPatch, way: str, limits: dict[str, Any], problem: str
) -> None:
    monkeypatch.setattr(free, "soft_time_limit", 25)
    monkeypatch.setattr(free, "time_limit", 30)
    monkeypatch.setitem(current_app.conf, "broker_transport_options", {"visibility_timeout": 60})
    call: Callable[[], Any] = {
        "enqueue": lambda: enqueue(free, **limits),
        "apply_async": lambda: free.apply_async(**limits),
        "batch": lambda: enqueue_batch(free, [()], title="Many", **limits),
    }[way]
    if problem:
        with pytest.raises(
            TimeLimitRefused, match=re.escape(f"Call of task 'test.limits.free': {problem}")
        ):
            call()
        assert not Job.objects.exists()
    else:
        call()
        assert Job.objects.get(task=free.name).options == limits

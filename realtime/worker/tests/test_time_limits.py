"""Time limits. A real worker's main process and its children both have a part in them."""

import asyncio
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from celery import Celery, current_app, shared_task
from django.core.checks import run_checks

from realtime.batches.batch import enqueue_batch
from realtime.errors import TimeLimitRefused
from realtime.jobs.create import enqueue
from realtime.jobs.time_limits import FOR_ALL, problems
from realtime.models import Job
from realtime.progress.progress import Progress
from realtime.states import FINISHED, JobState
from realtime.tasks import JobTask
from realtime.testing import run_task
from realtime.tests.support import example_tasks as work
from realtime.tests.support.polling import until
from realtime.tests.support.valkey import Valkey
from realtime.tests.support.worker_process import HOME, environment, running_worker
from realtime.worker import outcome
from realtime.worker.soft_limit import soft_limit_cancels, soft_limit_ends

WITHIN = 80
LEASE = 90
"""No job is rescued, and run again, before the test has ended."""
START_WORKER = """
import django
django.setup()
from celery import current_app
current_app.conf.task_time_limit = 7200
current_app.worker_main(["worker", "-P", "solo"])
"""


def run(valkey: Valkey, *tasks: Any) -> list[Job]:
    """The jobs of these tasks, run at the same time by a real worker, when all have ended."""
    with running_worker(concurrency=len(tasks), REALTIME_LEASE=str(LEASE)):
        jobs = [enqueue(task, queue=work.QUEUE) for task in tasks]
        ended = Job.objects.filter(state__in=FINISHED)
        until(lambda: ended.count() == len(tasks), within=WITHIN, what="all end")
        until(lambda: not are_held(valkey, jobs), within=WITHIN, what="all are acknowledged")
    return [Job.objects.get(pk=job.pk) for job in jobs]


def are_held(valkey: Valkey, jobs: list[Job]) -> bool:
    """Celery signals a soft limit once more if the worker is to end before it has the result; in
    the midst of that result the worker then hangs."""
    with valkey.client() as client:
        held = b" ".join(client.hvals("unacked"))
    return any(str(job.pk).encode() in held for job in jobs)


@pytest.mark.django_db(transaction=True)
def test_a_task_over_its_soft_limit_fails_with_its_sentence(valkey: Valkey) -> None:
    for job in run(valkey, work.slow, work.aslow, work.chatty):
        assert (job.state, job.error_code, job.error, job.attempt) == (
            JobState.FAILED,
            "time_limit",
            f"It took longer than the {work.SOFT} s allowed.",
            1,
        ), job.task
        assert job.items.filter(outcome="begun").exists()
        assert "SoftTimeLimitExceeded" in job.traceback
        assert job.items.filter(outcome="tidied up").exists() is (job.task == work.aslow.name)


@pytest.mark.django_db(transaction=True)
def test_a_task_that_is_deaf_to_its_soft_limit_is_stopped_and_not_run_again(
    valkey: Valkey,
) -> None:
    for job in run(valkey, work.deaf, work.adeaf, work.busy):
        assert (job.state, job.error_code, job.error, job.attempt, job.losses) == (
            JobState.FAILED,
            "time_limit",
            f"It was stopped: it took over {work.HARD} s.",
            1,
            0,
        ), job.task
        assert job.finished_at is not None


@pytest.fixture
def child() -> Iterator[None]:
    """This process, with the signal's handler that the children of workers have."""

    def over(*_: Any) -> None:
        raise SoftTimeLimitExceeded

    before = signal.signal(signal.SIGUSR1, over)
    yield
    assert signal.getsignal(signal.SIGUSR1) is over
    signal.signal(signal.SIGUSR1, before)


def time_is_over() -> None:
    os.kill(os.getpid(), signal.SIGUSR1)


def test_the_soft_limit_cancels_a_coroutine_where_it_waits(child: None) -> None:
    seen: list[str] = []

    async def body() -> None:
        with soft_limit_cancels():
            asyncio.get_running_loop().call_later(0.05, time_is_over)  # in the loop's own code
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

    with pytest.raises(SoftTimeLimitExceeded):
        asyncio.run(body())
    assert seen == ["cancelled"]


def test_the_soft_limit_hits_no_other_asyncio_task(child: None) -> None:
    async def other() -> str:
        time_is_over()
        await asyncio.sleep(0)
        return "unharmed"

    async def body(others: "list[asyncio.Task[str]]") -> None:
        with soft_limit_cancels():
            others.append(asyncio.create_task(other()))
            await asyncio.sleep(60)

    async def main() -> str:
        others: list[asyncio.Task[str]] = []
        with pytest.raises(SoftTimeLimitExceeded):
            await body(others)
        return await others[0]

    assert asyncio.run(main()) == "unharmed"


def test_a_limit_that_comes_at_the_end_of_a_body_hits_nothing_else(child: None) -> None:
    async def main() -> str:
        with soft_limit_cancels():
            time_is_over()  # and nothing more is waited for
        await asyncio.sleep(0)
        return "unharmed"

    assert asyncio.run(main()) == "unharmed"


def test_the_soft_limit_is_deaf_between_the_end_of_a_body_and_that_of_its_run(child: None) -> None:
    with soft_limit_ends() as is_over:
        with pytest.raises(SoftTimeLimitExceeded):
            time_is_over()
        is_over()
        time_is_over()
    with pytest.raises(SoftTimeLimitExceeded):
        time_is_over()


@pytest.mark.django_db
def test_the_end_of_a_job_is_not_interrupted(child: None, monkeypatch: pytest.MonkeyPatch) -> None:
    def finish(progress: Progress, result: Any) -> None:
        time_is_over()
        real(progress, result)

    real = outcome.finish
    monkeypatch.setattr(outcome, "finish", finish)
    assert run_task(free).job.state == JobState.SUCCEEDED


def test_any_other_cancellation_stays_one(child: None) -> None:
    async def body() -> None:
        with soft_limit_cancels():
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(body())


def test_there_are_no_soft_limits_in_threads(child: None) -> None:
    done: list[int] = []

    async def body() -> None:
        with soft_limit_cancels():
            done.append(1)

    thread = threading.Thread(target=lambda: asyncio.run(body()))
    thread.start()
    thread.join(10)
    assert done == [1]


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
    ("hard", "told"),
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
def test_the_hard_limit_must_be_under_the_visibility_timeout(hard: float | None, told: str) -> None:
    found = found_for_all(app(hard=hard, visibility_timeout=60))
    assert "".join(found).startswith(told)
    assert bool(found) is bool(told)


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


BY_HAND: list[tuple[dict[str, Any], str]] = [
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
@pytest.mark.parametrize(("limits", "told"), BY_HAND)
@pytest.mark.parametrize("way", ["enqueue", "apply_async", "batch"])
def test_the_limits_of_a_single_call_are_looked_at_too(
    monkeypatch: pytest.MonkeyPatch, way: str, limits: dict[str, Any], told: str
) -> None:
    monkeypatch.setattr(free, "soft_time_limit", 25)
    monkeypatch.setattr(free, "time_limit", 30)
    monkeypatch.setitem(current_app.conf, "broker_transport_options", {"visibility_timeout": 60})
    call: Callable[[], Any] = {
        "enqueue": lambda: enqueue(free, **limits),
        "apply_async": lambda: free.apply_async(**limits),
        "batch": lambda: enqueue_batch(free, [()], title="Many", **limits),
    }[way]
    if told:
        with pytest.raises(
            TimeLimitRefused, match=re.escape(f"Call of task 'test.limits.free': {told}")
        ):
            call()
        assert not Job.objects.exists()
    else:
        call()
        assert Job.objects.get(task=free.name).options == limits


def test_django_checks_the_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not [message for message in run_checks() if message.id == "realtime.E001"]
    monkeypatch.setitem(current_app.conf, "task_time_limit", 7200)
    (message,) = [message for message in run_checks() if message.id == "realtime.E001"]
    assert message.msg.startswith("All tasks: time_limit (7200 s)")


def test_a_worker_with_limits_that_cannot_be_does_not_start() -> None:
    worker = subprocess.run(
        [sys.executable, "-c", START_WORKER],
        cwd=HOME,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert worker.returncode != 0
    assert "must be below the broker's visibility_timeout" in worker.stderr
    assert "Traceback" not in worker.stderr

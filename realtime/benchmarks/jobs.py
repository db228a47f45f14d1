"""Throughput: how many tasks that do nothing a worker with two child processes runs in a second.

`python -m realtime.benchmarks.jobs TASKS ROUNDS`. A round stops the worker by SIGSTOP, fills the
queue, resumes the worker, and measures the time until the broker has no message left. Messages are
acknowledged late, so that is when the last task has ended.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import django

django.setup()

from celery import current_app  # noqa: E402
from django.conf import settings  # noqa: E402
from django.db import connection, transaction  # noqa: E402
from redis import Redis  # noqa: E402

from realtime.benchmarks.empty_tasks import stored, tracked, untracked  # noqa: E402
from realtime.benchmarks.report import is_selected, medians, print_result  # noqa: E402
from realtime.bus.bus import drain  # noqa: E402
from realtime.jobs.create import enqueue  # noqa: E402
from realtime.tests.chaos.processes import SupervisedProcess  # noqa: E402
from realtime.tests.support.polling import until  # noqa: E402

QUEUE: Final = "celery"
LATENCY: Final = 0.001
EMPTY_CHECKS: Final = 40
"""How often in a row the broker must be found empty: for a moment a message is neither in the queue
nor unacknowledged. The checks are counted, not timed: on a busy machine they may be far apart."""
CHECK_INTERVAL: Final = 0.005


def main(*, tasks: int, rounds: int) -> None:
    # SIGTERM must run the `finally` blocks, which end the processes that this one has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    redis = Redis.from_url(settings.REDIS_URL)
    for case, broker in BROKERS.items():
        if not is_selected(f"{case}, {connection.vendor}"):
            continue
        with broker() as variables, running_worker(redis, **variables) as worker:
            print_results(case, medians(rounds, cases(redis, worker, tasks=tasks)))


def print_results(case: str, throughputs: dict[str, float]) -> None:
    for baseline in ("untracked", "django-celery-results"):
        print_result(
            bench="jobs",
            case=f"{case}, {connection.vendor}",
            metric="tasks_per_s",
            value=throughputs["tracked"],
            baseline=baseline,
            baseline_value=throughputs[baseline],
        )


def cases(
    redis: "Redis", worker: SupervisedProcess, *, tasks: int
) -> dict[str, Callable[[], float]]:
    def case(publish_all: Callable[[int], object]) -> Callable[[], float]:
        return lambda: throughput(redis, worker, publish_all, tasks=tasks)

    return {
        "tracked": case(publish_tracked),
        "untracked": case(lambda count: publish(untracked, count)),
        "django-celery-results": case(lambda count: publish(stored, count)),
    }


def throughput(
    redis: "Redis", worker: SupervisedProcess, publish: Callable[[int], object], *, tasks: int
) -> float:
    worker.signal_all(signal.SIGSTOP)
    publish(tasks)
    drain()  # or this process would still send messages about its jobs while the worker runs
    # One message may not be counted: the stopped worker's BRPOP has received it already.
    until(lambda: message_count(redis) >= tasks - 1, within=60, what=f"{tasks} messages wait")
    began = time.perf_counter()
    worker.signal_all(signal.SIGCONT)
    return tasks / (wait_until_empty(redis) - began)


def wait_until_empty(redis: "Redis") -> float:
    """The time (`perf_counter`) at which the broker became empty."""
    empty_checks = 0
    while empty_checks < EMPTY_CHECKS:
        if message_count(redis):
            empty_checks = 0
        else:
            if not empty_checks:
                ended = time.perf_counter()
            empty_checks += 1
        time.sleep(CHECK_INTERVAL)
    return ended


def message_count(redis: "Redis") -> int:
    return int(redis.llen(QUEUE)) + int(redis.hlen("unacked"))


def publish_tracked(count: int) -> None:
    with transaction.atomic():
        for _ in range(count):
            enqueue(tracked)


def publish(task: Any, count: int) -> None:
    with current_app.producer_or_acquire() as producer:
        for _ in range(count):
            task.apply_async(producer=producer)


@contextmanager
def running_worker(redis: "Redis", **environment: str) -> Iterator[SupervisedProcess]:
    options = "--concurrency 2 --without-gossip --without-mingle -l error"
    worker = SupervisedProcess(
        name="worker",
        command=[
            *(sys.executable, "-m", "celery", "-A", "picha", "worker", *options.split()),
            *("-I", "realtime.benchmarks.empty_tasks"),
        ],
        environment=os.environ | environment,
        log=Path(os.environ["VAR_DIR"]) / "worker.log",
    )
    worker.start()
    try:
        publish(untracked, 4)
        until(
            lambda: not message_count(redis), within=60, what="the worker has run its first tasks"
        )
        yield worker
    finally:
        worker.stop()


@contextmanager
def slow_redis() -> Iterator[dict[str, str]]:
    target = unquote(urlsplit(settings.REDIS_URL).path)
    listen = f"{target}.slow"
    proxy = SupervisedProcess(
        name="proxy",
        command=[
            *(sys.executable, "-m", "realtime.benchmarks.slow_proxy"),
            *(listen, target, str(LATENCY)),
        ],
        environment=os.environ,
        log=Path(os.environ["VAR_DIR"]) / "proxy.log",
    )
    proxy.start()
    try:
        until(Path(listen).exists, within=60, what="the proxy listens")
        yield {"REDIS_URL": f"unix://{listen}"}
    finally:
        proxy.stop()


BROKERS: Final[Mapping[str, Callable[[], AbstractContextManager[dict[str, str]]]]] = {
    "no-op": lambda: nullcontext({}),
    f"no-op, Redis {LATENCY * 1000:g} ms away": slow_redis,
}
"""For each case, a context manager that yields the environment variables of the worker."""


if __name__ == "__main__":
    main(tasks=int(sys.argv[1]), rounds=int(sys.argv[2]))

"""How many tasks that do nothing a worker of two children runs in a second.

A round fills the queue while the worker is held, lets it go, and stops the clock when the broker
holds nothing any more: with late acknowledgement that is when the last task is through.
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
from realtime.benchmarks.report import is_wanted, line, medians  # noqa: E402
from realtime.bus.bus import drain  # noqa: E402
from realtime.jobs.create import enqueue  # noqa: E402
from realtime.tests.chaos.processes import Supervised  # noqa: E402
from realtime.tests.support.polling import until  # noqa: E402

QUEUE: Final = "celery"
LATENCY: Final = 0.001
LOOKS: Final = 40
"""How often in a row, each 5 ms, the broker must be found empty: a message is in neither place for
a moment. Counted and not timed, as on a busy machine two looks may lie far apart."""


def main(*, tasks: int, rounds: int) -> None:
    # Whoever ends this, the processes that it has started end with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    redis = Redis.from_url(settings.REDIS_URL)
    for case, broker in BROKERS.items():
        if not is_wanted(f"{case}, {connection.vendor}"):
            continue
        with broker() as variables, running_worker(redis, **variables) as worker:
            report(case, medians(rounds, cases(redis, worker, tasks=tasks)))


def report(case: str, found: dict[str, float]) -> None:
    for baseline in ("untracked", "django-celery-results"):
        line(
            bench="jobs",
            case=f"{case}, {connection.vendor}",
            metric="tasks_per_s",
            value=found["tracked"],
            baseline=baseline,
            baseline_value=found[baseline],
        )


def cases(redis: "Redis", worker: Supervised, *, tasks: int) -> dict[str, Callable[[], float]]:
    def case(publish: Callable[[int], object]) -> Callable[[], float]:
        return lambda: throughput(redis, worker, publish, tasks=tasks)

    return {
        "tracked": case(publish_tracked),
        "untracked": case(lambda count: publish(untracked, count)),
        "django-celery-results": case(lambda count: publish(stored, count)),
    }


def throughput(
    redis: "Redis", worker: Supervised, publish: Callable[[int], object], *, tasks: int
) -> float:
    worker.signal_all(signal.SIGSTOP)
    publish(tasks)
    drain()  # What this process has still to tell of its jobs is no work of the worker's.
    # One is in neither place: taken by the held worker's BRPOP, and not yet noted by it.
    until(lambda: held(redis) >= tasks - 1, within=60, what=f"{tasks} messages wait")
    began = time.perf_counter()
    worker.signal_all(signal.SIGCONT)
    empty = 0
    while empty < LOOKS:
        if held(redis):
            empty = 0
        else:
            if not empty:
                ended = time.perf_counter()
            empty += 1
        time.sleep(0.005)
    return tasks / (ended - began)


def held(redis: "Redis") -> int:
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
def running_worker(redis: "Redis", **environment: str) -> Iterator[Supervised]:
    options = "--concurrency 2 --without-gossip --without-mingle -l error"
    worker = Supervised(
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
        until(lambda: not held(redis), within=60, what="the worker works")
        yield worker
    finally:
        worker.stop()


@contextmanager
def slow_redis() -> Iterator[dict[str, str]]:
    target = unquote(urlsplit(settings.REDIS_URL).path)
    listen = f"{target}.slow"
    proxy = Supervised(
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
"""What a worker's environment says of its broker."""


if __name__ == "__main__":
    main(tasks=int(sys.argv[1]), rounds=int(sys.argv[2]))

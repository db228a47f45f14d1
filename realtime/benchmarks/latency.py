"""From a task's `advance()` in a real worker to the watcher, on a system that does nothing else.

`python -m realtime.benchmarks.latency STEPS ENDS`: to a bare socket's reader, and to a callback of
the page's scripts in Chromium.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Final

import django

django.setup()

from celery import current_app  # noqa: E402

from realtime.benchmarks.report import is_wanted, line  # noqa: E402
from realtime.benchmarks.site import run  # noqa: E402
from realtime.benchmarks.timestamped_tasks import GATE, STEP_MAX, ends, recorded, told  # noqa: E402
from realtime.benchmarks.web_server import (  # noqa: E402
    POLLED,
    POLLED_SETTINGS,
    SERVERS,
    Helper,
    Web,
    crowd_of,
    helper,
    serving,
)
from realtime.jobs.create import enqueue  # noqa: E402
from realtime.models import Job  # noqa: E402
from realtime.tests.chaos.processes import Supervised  # noqa: E402
from realtime.tests.support.polling import until  # noqa: E402

Report = dict[str, Any]
PATIENCE: Final = 60
TRIES: Final = 3
REST: Final = 30.0
"""Seconds in which what is on the way may still arrive."""


def main(*, steps: int, lives: int) -> None:
    run(dict(os.environ), "manage.py", "collectstatic", "--no-input", "-v0")
    found: dict[str, Report] = {}
    cases: dict[str, tuple[int, Callable[[], list[Job]]]] = {
        "advance": (steps, lambda: [enqueue(told, args=(steps,))]),
        "end of a job": (lives, lambda: [enqueue(ends) for _ in range(lives)]),
    }
    with running_worker(), serving(SERVERS["daphne"]) as web:
        for watcher, watching in WATCHERS.items():
            for case, (stamps, enqueued) in cases.items():
                if is_wanted(f"{case}, {watcher}"):
                    jobs = enqueued()
                    with watching(web, [str(job.pk) for job in jobs]) as helped:
                        found[f"{case}, {watcher}"] = watched(helped, jobs, stamps=stamps)
    with running_worker(**POLLED_SETTINGS), serving(POLLED["daphne"], **POLLED_SETTINGS) as web:
        asked = polled(web, steps=steps)
    for case, report in found.items():
        for metric in ("p50", "p99"):
            line(
                bench="latency",
                case=case,
                metric=f"{metric}_ms",
                value=report[metric] * 1000,
                baseline="celery-progress",
                baseline_value=asked[metric] * 1000,
            )


def at_a_socket(web: Web, jobs: list[str]) -> AbstractContextManager[Helper]:
    return crowd_of(SERVERS["daphne"], web, *jobs)


def in_chromium(web: Web, jobs: list[str]) -> AbstractContextManager[Helper]:
    return helper("chromium", str(web.port), *jobs)


WATCHERS: Final = {"at a socket": at_a_socket, "in Chromium": in_chromium}


def watched(watcher: Helper, jobs: list[Job], *, stamps: int) -> Report:
    with closed_gate():
        watcher.ask("more", 1)
        watcher.ask("count")
        GATE.touch()
        until(lambda: not unfinished(jobs), within=stamps + PATIENCE, what="all jobs have ended")
        watcher.settle(stamps, within=REST)
        return watcher.ask("report")


def polled(web: Web, *, steps: int) -> Report:
    """Anew where nothing was heard: a busy machine may ask for the first time after the end."""
    for _ in range(TRIES):
        report = polled_once(web, steps=steps)
        if report["frames"]:
            break
    return report


def polled_once(web: Web, *, steps: int) -> Report:
    result = recorded.delay(steps)
    with (
        helper("polling_clients", str(web.port), f"/progress/{result.id}") as pollers,
        closed_gate(),
    ):
        pollers.ask("more", 1)
        GATE.touch()
        # The end of the task hides what it said last.
        pollers.settle(steps - 1, within=steps * STEP_MAX + REST)
        return pollers.ask("report")


def unfinished(jobs: list[Job]) -> int:
    return Job.objects.filter(pk__in=[job.pk for job in jobs], finished_at=None).count()


@contextmanager
def closed_gate() -> Iterator[None]:
    """The tasks wait until whoever watches them has come."""
    try:
        yield
    finally:
        GATE.unlink(missing_ok=True)


@contextmanager
def running_worker(**variables: str) -> Iterator[None]:
    options = "--concurrency 1 --without-gossip --without-mingle -l info"
    log = Path(os.environ["VAR_DIR"]) / "worker.log"
    log.write_bytes(b"")
    worker = Supervised(
        name="worker",
        command=[
            *(sys.executable, "-m", "celery", "-A", "picha", "worker", *options.split()),
            *("-I", "realtime.benchmarks.timestamped_tasks"),
        ],
        environment=os.environ | variables,
        log=log,
    )
    worker.start()
    try:
        until(lambda: b" ready." in log.read_bytes(), within=60, what=f"it is ready; see {log}")
        yield
    finally:
        worker.stop()


if __name__ == "__main__":
    current_app.loader.import_default_modules()
    main(steps=int(sys.argv[1]), lives=int(sys.argv[2]))

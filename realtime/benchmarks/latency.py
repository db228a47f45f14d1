"""Latency: the time from a task's `advance()` in a real worker until a client receives it.

`python -m realtime.benchmarks.latency STEPS JOBS`: nothing else runs on the site. The clients are a
plain WebSocket and the page's scripts in Chromium. STEPS is the number of updates of one job, JOBS
the number of jobs whose end is measured.
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

from realtime.benchmarks.helper_process import (  # noqa: E402
    Helper,
    running_clients,
    running_helper,
)
from realtime.benchmarks.report import is_selected, print_result  # noqa: E402
from realtime.benchmarks.site import run  # noqa: E402
from realtime.benchmarks.timestamped_tasks import (  # noqa: E402
    START_FILE,
    STEP_MAX,
    advance,
    set_progress,
    succeed,
)
from realtime.benchmarks.web_server import (  # noqa: E402
    CELERY_PROGRESS_SERVERS,
    CELERY_PROGRESS_SETTINGS,
    SERVERS,
    WebProcess,
    running_server,
)
from realtime.jobs.create import enqueue  # noqa: E402
from realtime.models import Job  # noqa: E402
from realtime.tests.chaos.processes import SupervisedProcess  # noqa: E402
from realtime.tests.support.polling import until  # noqa: E402

Report = dict[str, Any]
TIMEOUT: Final = 60
TRIES: Final = 3
GRACE: Final = 30.0
"""Seconds in which the last updates may still arrive."""


def main(*, steps: int, jobs: int) -> None:
    run(dict(os.environ), "manage.py", "collectstatic", "--no-input", "-v0")
    with running_worker(), running_server(SERVERS["daphne"]) as web:
        reports = measure(web, steps=steps, jobs=jobs)
    with (
        running_worker(**CELERY_PROGRESS_SETTINGS),
        running_server(CELERY_PROGRESS_SERVERS["daphne"], **CELERY_PROGRESS_SETTINGS) as web,
    ):
        baseline = measure_polling(web, steps=steps)
    for case, report in reports.items():
        for metric in ("p50", "p99"):
            print_result(
                bench="latency",
                case=case,
                metric=f"{metric}_ms",
                value=report[metric] * 1000,
                baseline="celery-progress",
                baseline_value=baseline[metric] * 1000,
            )


def at_a_socket(web: WebProcess, jobs: list[str]) -> AbstractContextManager[Helper]:
    return running_clients(SERVERS["daphne"], web, *jobs)


def in_chromium(web: WebProcess, jobs: list[str]) -> AbstractContextManager[Helper]:
    return running_helper("chromium", str(web.port), *jobs)


CLIENTS: Final = {"at a socket": at_a_socket, "in Chromium": in_chromium}


def measure(web: WebProcess, *, steps: int, jobs: int) -> dict[str, Report]:
    """The reports of the selected cases, by name."""
    cases: dict[str, tuple[int, Callable[[], list[Job]]]] = {
        "advance": (steps, lambda: [enqueue(advance, args=(steps,))]),
        "end of a job": (jobs, lambda: [enqueue(succeed) for _ in range(jobs)]),
    }
    reports: dict[str, Report] = {}
    for client_name, running_client in CLIENTS.items():
        for case_name, (updates, enqueue_jobs) in cases.items():
            case = f"{case_name}, {client_name}"
            if is_selected(case):
                rows = enqueue_jobs()
                with running_client(web, [str(job.pk) for job in rows]) as client:
                    reports[case] = measure_client(client, rows, updates=updates)
    return reports


def measure_client(client: Helper, jobs: list[Job], *, updates: int) -> Report:
    with removed_start_file():
        client.ask("connect", 1)
        client.ask("reset")
        START_FILE.touch()
        until(lambda: have_ended(jobs), within=updates + TIMEOUT, what="all jobs have ended")
        client.wait_for_frames(updates, at_most=GRACE)
        return client.ask("report")


def measure_polling(web: WebProcess, *, steps: int) -> Report:
    """Tries again if no update was received: the first poll may come after the task has ended."""
    for _ in range(TRIES):
        report = measure_polling_once(web, steps=steps)
        if report["frames"]:
            break
    return report


def measure_polling_once(web: WebProcess, *, steps: int) -> Report:
    result = set_progress.delay(steps)
    with (
        running_helper("polling_clients", str(web.port), f"/progress/{result.id}") as client,
        removed_start_file(),
    ):
        client.ask("connect", 1)
        START_FILE.touch()
        # The result of the task replaces its last update at once.
        client.wait_for_frames(steps - 1, at_most=steps * STEP_MAX + GRACE)
        return client.ask("report")


def have_ended(jobs: list[Job]) -> bool:
    return not Job.objects.filter(pk__in=[job.pk for job in jobs], finished_at=None).exists()


@contextmanager
def removed_start_file() -> Iterator[None]:
    """Removes the file after the block, so that the next tasks wait again."""
    try:
        yield
    finally:
        START_FILE.unlink(missing_ok=True)


@contextmanager
def running_worker(**variables: str) -> Iterator[None]:
    options = "--concurrency 1 --without-gossip --without-mingle -l info"
    log = Path(os.environ["VAR_DIR"]) / "worker.log"
    log.write_bytes(b"")
    worker = SupervisedProcess(
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
        until(
            lambda: b" ready." in log.read_bytes(),
            within=60,
            what=f"the worker is ready; see {log}",
        )
        yield
    finally:
        worker.stop()


if __name__ == "__main__":
    current_app.loader.import_default_modules()
    main(steps=int(sys.argv[1]), jobs=int(sys.argv[2]))

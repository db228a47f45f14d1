"""Measures what a progress call costs its task, also while Redis does not answer.

`python -m realtime.benchmarks.progress CALLS ROUNDS`
"""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final
from uuid import uuid4

import django

django.setup()

from celery import Celery, shared_task  # noqa: E402
from celery_progress.backend import ProgressRecorder  # noqa: E402
from django.conf import settings  # noqa: E402
from tqdm import tqdm  # noqa: E402

from realtime.benchmarks.report import medians, print_result  # noqa: E402
from realtime.models import Job  # noqa: E402
from realtime.progress.progress import Progress  # noqa: E402
from realtime.tasks import JobTask  # noqa: E402

STEPS: Final = 200
PAUSE: Final = 0.005


def main(*, calls: int, rounds: int) -> None:
    compare_calls(calls, rounds)
    compare_with_frozen_redis(rounds)


def compare_calls(calls: int, rounds: int) -> None:
    seconds = medians(
        rounds,
        {
            "advance": lambda: advance(calls),
            "item": lambda: item(calls // 10),
            "tqdm.update": lambda: tqdm_update(calls),
            "celery-progress set_progress": lambda: set_progress(max(50, calls // 500)),
        },
    )
    for ours in ("advance", "item"):
        for baseline in ("tqdm.update", "celery-progress set_progress"):
            print_result(
                bench="progress",
                case=ours,
                metric="us_per_call",
                value=seconds[ours] * 1e6,
                baseline=baseline,
                baseline_value=seconds[baseline] * 1e6,
            )


def advance(calls: int) -> float:
    progress = Progress(Job(task="bench", title="Bench"))
    progress.total = calls
    with read_by_bus(progress):
        began = time.perf_counter()
        for _ in range(calls):
            progress.advance()
        return (time.perf_counter() - began) / calls


def item(calls: int) -> float:
    progress = Progress(Job(task="bench", title="Bench"))
    keys = [str(number) for number in range(calls)]
    with read_by_bus(progress):
        began = time.perf_counter()
        for key in keys:
            progress.item(key, "done", label="A label")
        return (time.perf_counter() - began) / calls


def tqdm_update(calls: int) -> float:
    with (
        Path(os.devnull).open("w", encoding="ascii") as null_device,
        tqdm(total=calls, file=null_device) as bar,
    ):
        began = time.perf_counter()
        for _ in range(calls):
            bar.update()
        return (time.perf_counter() - began) / calls


def set_progress(calls: int) -> float:
    app = Celery("bench", backend=settings.CELERY_BROKER_URL, set_as_current=False)
    task = app.task(name="bench.celery-progress")(do_nothing)
    task.push_request(id=str(uuid4()))
    recorder = ProgressRecorder(task)
    recorder.set_progress(0, calls)  # connects
    began = time.perf_counter()
    for number in range(calls):
        recorder.set_progress(number, calls)
    return (time.perf_counter() - began) / calls


def do_nothing() -> None: ...


@contextmanager
def read_by_bus(progress: Progress) -> Iterator[None]:
    """Another thread reads the progress ten times a second, as the bus does."""
    ended = threading.Event()

    def read() -> None:
        while not ended.wait(0.1):
            progress.fields()

    thread = threading.Thread(target=read)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@shared_task(bind=True, base=JobTask, name="bench.run_steps")
def run_steps(self: JobTask) -> None:
    for number in self.progress.track(range(STEPS)):
        self.progress.item(str(number), "done")
        time.sleep(PAUSE)


def compare_with_frozen_redis(rounds: int) -> None:
    valkey = int(os.environ["BENCH_VALKEY_PID"])

    def run() -> float:
        began = time.perf_counter()
        run_steps.apply(throw=True)
        return time.perf_counter() - began

    def run_while_frozen() -> float:
        os.kill(valkey, signal.SIGSTOP)
        try:
            return run()
        finally:
            os.kill(valkey, signal.SIGCONT)

    run()  # starts the bus, which connects to Redis
    seconds = medians(rounds, {"answers": run, "frozen": run_while_frozen})
    print_result(
        bench="progress",
        case="a task of a second, Redis frozen",
        metric="run_s",
        value=seconds["frozen"],
        baseline="the same, Redis answers",
        baseline_value=seconds["answers"],
    )


if __name__ == "__main__":
    main(calls=int(sys.argv[1]), rounds=int(sys.argv[2]))

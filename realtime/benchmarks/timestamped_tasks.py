"""Tasks whose updates contain the time at which they were made, `@seconds@`.

The clients of the benchmarks search their answers for it.
"""

import os
import random
import time
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Any, Final

from celery import Task, shared_task
from celery_progress.backend import ProgressRecorder

from realtime.states import Visibility
from realtime.tasks import JobTask
from realtime.tests.support.polling import until

START_FILE: Final = Path(os.environ.get("VAR_DIR", ".")) / "watched"
"""All tasks wait until this file exists. The benchmark makes it once the clients are connected."""
STEP_MIN: Final = 0.6
STEP_MAX: Final = 0.8


def timestamp() -> str:
    return f"@{monotonic():.6f}@"


def wait_for_start() -> None:
    until(START_FILE.exists, within=60, what="the clients are connected")


def steps(number: int) -> Iterator[int]:
    wait_for_start()
    for step in range(number):
        # Steps of random length never stay in phase with the intervals of polling.
        time.sleep(random.uniform(STEP_MIN, STEP_MAX))  # noqa: S311
        yield step


@shared_task(base=JobTask, bind=True, name="bench.advance", visibility=Visibility.PUBLIC)
def advance(self: JobTask, number: int) -> None:
    self.progress.total = number
    for _ in steps(number):
        self.progress.message = timestamp()
        self.progress.advance()


@shared_task(base=JobTask, name="bench.succeed", visibility=Visibility.PUBLIC)
def succeed() -> dict[str, str]:
    wait_for_start()
    time.sleep(0.2)
    return {"at": timestamp()}


@shared_task(base=Task, bind=True, name="bench.set_progress", ignore_result=False)
def set_progress(self: Any, number: int) -> None:
    recorder = ProgressRecorder(self)
    for step in steps(number):
        recorder.set_progress(step, number, description=timestamp())

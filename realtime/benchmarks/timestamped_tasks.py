"""Tasks that say when they said it: `@seconds@`, for the crowd and the pollers to find."""

import os
import random
import time
from pathlib import Path
from time import monotonic
from typing import Any, Final

from celery import Task, shared_task
from celery_progress.backend import ProgressRecorder

from realtime.states import Visibility
from realtime.tasks import JobTask
from realtime.tests.support.polling import until

GATE: Final = Path(os.environ.get("VAR_DIR", ".")) / "watched"
"""A file that is there once those who want to watch have come; all wait for it."""
STEP: Final = 0.6
STEP_MAX: Final = 0.8


def stamp() -> str:
    return f"@{monotonic():.6f}@"


def wait_for_watchers() -> None:
    until(GATE.exists, within=60, what="watchers have come")


def steps(number: int) -> Any:
    wait_for_watchers()
    for step in range(number):
        time.sleep(random.uniform(STEP, STEP_MAX))  # noqa: S311 - so that no poll keeps step with it
        yield step


@shared_task(base=JobTask, bind=True, name="bench.told", visibility=Visibility.PUBLIC)
def told(self: JobTask, number: int) -> None:
    self.progress.total = number
    for _ in steps(number):
        self.progress.message = stamp()
        self.progress.advance()


@shared_task(base=JobTask, name="bench.ends", visibility=Visibility.PUBLIC)
def ends() -> dict[str, str]:
    wait_for_watchers()
    time.sleep(0.2)
    return {"at": stamp()}


@shared_task(base=Task, bind=True, name="bench.recorded", ignore_result=False)
def recorded(self: Any, number: int) -> None:
    recorder = ProgressRecorder(self)
    for step in steps(number):
        recorder.set_progress(step, number, description=stamp())

"""Tasks that say when they said it: `@seconds@`, for the crowd and the pollers to find."""

import random
import time
from time import monotonic
from typing import Any, Final

from celery import Task, shared_task
from celery_progress.backend import ProgressRecorder

from realtime.states import Visibility
from realtime.tasks import JobTask

START: Final = 3.0
"""Seconds before the first step, in which those who want to watch come."""


def stamp() -> str:
    return f"@{monotonic():.6f}@"


def steps(number: int) -> Any:
    time.sleep(START)
    for step in range(number):
        time.sleep(0.6 + 0.2 * random.random())  # noqa: S311 - so that no poll keeps step with it
        yield step


@shared_task(base=JobTask, bind=True, name="bench.told", visibility=Visibility.PUBLIC)
def told(self: JobTask, number: int) -> None:
    self.progress.total = number
    for _ in steps(number):
        self.progress.message = stamp()
        self.progress.advance()


@shared_task(base=JobTask, name="bench.ends", visibility=Visibility.PUBLIC)
def ends() -> dict[str, str]:
    time.sleep(0.2)
    return {"at": stamp()}


@shared_task(base=Task, bind=True, name="bench.recorded", ignore_result=False)
def recorded(self: Any, number: int) -> None:
    recorder = ProgressRecorder(self)
    for step in steps(number):
        recorder.set_progress(step, number, description=stamp())

"""Tasks of batches, for real workers; enqueue them with `queue=QUEUE`, those workers' own."""

import os
import signal
from typing import Final

from celery import shared_task

from realtime.errors import JobError
from realtime.jobs.create import enqueue
from realtime.tasks import JobTask

QUEUE: Final = "parts"


class Odd(JobError):
    code = "odd"


@shared_task(base=JobTask, name="test.parts.even")
def even(number: int) -> None:
    if number % 2:
        raise Odd(f"{number} is odd.")


@shared_task(base=JobTask, bind=True, name="test.parts.fan_out")
def fan_out(self: JobTask, count: int) -> int:
    for number in range(count):
        enqueue(even, args=(2 * number,), queue=QUEUE, parent=self.progress.job)
    with self.progress.attach("made.txt", content_type="text/plain") as file:
        file.write(b"as many as asked for")
    return count


@shared_task(base=JobTask, bind=True, name="test.parts.fan_out_and_die")
def fan_out_and_die(self: JobTask, count: int) -> None:
    """The first attempt kills its process half-way."""
    for number in range(count):
        if self.progress.job.attempt == 1 and number == count // 2:
            os.kill(os.getpid(), signal.SIGKILL)
        enqueue(even, args=(2 * number,), queue=QUEUE, parent=self.progress.job)

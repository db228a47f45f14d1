"""Tasks of batches for the real workers of the tests. Enqueue them with `queue=QUEUE`."""

import os
import signal
from typing import Final

from celery import shared_task

from realtime.errors import JobError
from realtime.jobs.create import enqueue
from realtime.tasks import JobTask

QUEUE: Final = "test-batches"


class OddNumber(JobError):
    code = "odd"


@shared_task(base=JobTask, name="test.batches.even")
def even(number: int) -> None:
    """Fails for odd numbers."""
    if number % 2:
        raise OddNumber(f"{number} is odd.")


@shared_task(base=JobTask, bind=True, name="test.batches.fan_out")
def fan_out(self: JobTask, count: int) -> int:
    for number in range(count):
        enqueue(even, args=(2 * number,), queue=QUEUE, parent=self.progress.job)
    with self.progress.attach("made.txt", content_type="text/plain") as file:
        file.write(b"a file")
    return count


@shared_task(base=JobTask, bind=True, name="test.batches.fan_out_and_die")
def fan_out_and_die(self: JobTask, count: int) -> None:
    """The first attempt kills its own process after half of the children."""
    for number in range(count):
        if self.progress.job.attempt == 1 and number == count // 2:
            os.kill(os.getpid(), signal.SIGKILL)
        enqueue(even, args=(2 * number,), queue=QUEUE, parent=self.progress.job)

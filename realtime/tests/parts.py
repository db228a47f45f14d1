"""Tasks of batches, for real workers; enqueue them with `queue=QUEUE`, those workers' own."""

from typing import Final

from celery import shared_task

from realtime.enqueue import enqueue
from realtime.errors import JobError
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

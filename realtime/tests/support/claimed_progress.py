"""The progress of a job that a worker has claimed."""

from collections.abc import Callable
from time import monotonic

from realtime.jobs import lease
from realtime.models import Job
from realtime.progress import Progress


def claimed_progress(*, clock: Callable[[], float] = monotonic, **fields: object) -> Progress:
    job = Job.objects.create(**{"task": "t", "title": "T"} | fields)
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    return Progress(claimed, clock=clock)

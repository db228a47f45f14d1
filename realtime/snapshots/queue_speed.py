"""How fast the queues move, for those who wait in them.

One place takes the mean time of the queue's latest jobs, shared by those that run: while somebody
waits, all that can run do. Looked up once in a few seconds a process, not once a job.
"""

import threading
from collections.abc import Iterable
from datetime import timedelta
from time import monotonic
from typing import Final

from django.db.models import Avg, F
from django.db.models.functions import Now

from realtime.models import Job
from realtime.states import JobState

FRESH: Final = 5.0
"""Seconds that a pace is taken to hold."""
RECENT: Final = timedelta(minutes=10)
JOBS: Final = 20
"""The latest jobs that the mean is of."""

_known: dict[str, tuple[float, float | None]] = {}
_lock: Final = threading.Lock()


def queue_speeds(queues: Iterable[str]) -> dict[str, float | None]:
    """Seconds a place takes in each of these queues; None where nobody can know."""
    with _lock:
        return {queue: _pace(queue) for queue in set(queues)}


def _pace(queue: str) -> float | None:
    looked_at, pace = _known.get(queue, (0.0, None))
    if queue not in _known or monotonic() - looked_at > FRESH:
        pace = measured(queue)
        _known[queue] = (monotonic(), pace)
    return pace


def measured(queue: str) -> float | None:
    jobs = Job.objects.filter(queue=queue)
    running = jobs.filter(state=JobState.RUNNING).count()
    if not running:
        return None
    # Of a job that was tried again, the waits between the tries would count.
    ended = jobs.filter(
        state=JobState.SUCCEEDED,
        attempt=1,
        started_at__isnull=False,
        finished_at__gte=Now() - RECENT,
    ).order_by("-finished_at")
    mean = ended[:JOBS].aggregate(mean=Avg(F("finished_at") - F("started_at")))["mean"]
    return mean.total_seconds() / running if mean else None

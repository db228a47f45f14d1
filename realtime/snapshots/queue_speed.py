"""Queue speed: how many seconds a job waits for each place in its queue.

That is the mean run time of the queue's latest jobs, divided by the number of its running jobs:
while a job waits, every worker that can run one does. Each process looks it up once in
CACHE_SECONDS for each queue, not for each job.
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

CACHE_SECONDS: Final = 5.0
RECENT: Final = timedelta(minutes=10)
LATEST_JOBS: Final = 20
"""The mean run time is that of so many jobs, which ended within RECENT."""

_cache: Final[dict[str, tuple[float, float | None]]] = {}
_lock: Final = threading.Lock()


def seconds_per_place(queues: Iterable[str]) -> dict[str, float | None]:
    """The speed of each queue; None if no job of it runs, or none has succeeded lately."""
    with _lock:
        return {queue: _cached(queue) for queue in set(queues)}


def clear_cache() -> None:
    with _lock:
        _cache.clear()


def _cached(queue: str) -> float | None:
    measured_at, seconds = _cache.get(queue, (0.0, None))
    if queue not in _cache or monotonic() - measured_at > CACHE_SECONDS:
        seconds = _measure(queue)
        _cache[queue] = (monotonic(), seconds)
    return seconds


def _measure(queue: str) -> float | None:
    jobs = Job.objects.filter(queue=queue)
    running = jobs.filter(state=JobState.RUNNING).count()
    if not running:
        return None
    # The run time of a job that was tried again would include the pauses between its attempts.
    ended = jobs.filter(
        state=JobState.SUCCEEDED,
        attempt=1,
        started_at__isnull=False,
        finished_at__gte=Now() - RECENT,
    ).order_by("-finished_at")
    mean = ended[:LATEST_JOBS].aggregate(mean=Avg(F("finished_at") - F("started_at")))["mean"]
    return mean.total_seconds() / running if mean else None

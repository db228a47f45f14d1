"""Overview numbers: the six numbers that operators see, counted in the database.

They count the jobs that workers run. A batch is in none of them: no worker runs it, and its child
jobs are counted already.

A web process counts every second while an operator watches. So each query reads a partial index
that has only the rows to count (see `Job.Meta.indexes`), never the whole table.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Min, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from realtime.conf import conf
from realtime.models import Job, Worker
from realtime.snapshots.schema import Numbers
from realtime.states import WAITING, JobState, RunBy

HOUR: Final = timedelta(hours=1)


def overview_numbers() -> Numbers:
    jobs = Job.objects.exclude(carrier=RunBy.CHILDREN)
    unfinished, workers = _unfinished(jobs), _workers()
    return Numbers(
        running=unfinished["running"],
        waiting=unfinished["waiting"],
        oldest_wait=_seconds_since(unfinished["oldest"]),
        failed=jobs.filter(state=JobState.FAILED).count(),
        success=_success(jobs),
        workers_up=workers["up"],
        workers_known=workers["known"],
    )


def _unfinished(jobs: QuerySet[Job]) -> dict[str, Any]:
    waiting = Q(state__in=WAITING)
    # A job with a later start waits from the moment that it is due.
    is_due, since = Q(due_at=None) | Q(due_at__lte=Now()), Coalesce("due_at", "queued_at")
    return jobs.filter(finished_at=None).aggregate(
        running=Count("state", filter=Q(state=JobState.RUNNING)),
        waiting=Count("state", filter=waiting),
        oldest=Min(since, filter=waiting & is_due),
    )


def _success(jobs: QuerySet[Job]) -> float | None:
    """The share of those jobs that succeeded among all that succeeded or failed in an hour."""
    ended = jobs.filter(finished_at__gte=Now() - HOUR).aggregate(
        succeeded=Count("state", filter=Q(state=JobState.SUCCEEDED)),
        failed=Count("state", filter=Q(state=JobState.FAILED)),
    )
    total: int = ended["succeeded"] + ended["failed"]
    return ended["succeeded"] / total if total else None


def _workers() -> dict[str, int]:
    is_up = Q(heartbeat_at__gte=Now() - timedelta(seconds=conf.WORKER_TIMEOUT))
    return Worker.objects.aggregate(up=Count("pk", filter=is_up), known=Count("pk"))


def _seconds_since(moment: datetime | None) -> float | None:
    return (timezone.now() - moment).total_seconds() if moment else None

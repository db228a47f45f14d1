"""The operators' six numbers, in two queries.

They are of the jobs that workers run. A batch occupies no worker, and what became of its jobs is
counted already: it is in none of them.
"""

from datetime import timedelta

from django.db.models import Count, Min, Q
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from realtime.conf import conf
from realtime.models import Job, Worker
from realtime.snapshots.schema import Numbers
from realtime.states import WAITING, JobState, RunBy

HOUR = timedelta(hours=1)


def overview_numbers() -> Numbers:
    """How things stand; `success` is the share of the last hour's ended jobs that succeeded.

    A job that was put off waits from the moment that it is due.
    """
    recent = Q(finished_at__gte=Now() - HOUR)
    succeeded, failed = Q(state=JobState.SUCCEEDED), Q(state=JobState.FAILED)
    waiting = Q(state__in=WAITING)
    due, since = Q(due_at=None) | Q(due_at__lte=Now()), Coalesce("due_at", "queued_at")
    jobs = Job.objects.exclude(carrier=RunBy.CHILDREN).aggregate(
        running=Count("pk", filter=Q(state=JobState.RUNNING)),
        waiting=Count("pk", filter=waiting),
        oldest=Min(since, filter=waiting & due),
        failed=Count("pk", filter=failed),
        good=Count("pk", filter=succeeded & recent),
        ended=Count("pk", filter=(succeeded | failed) & recent),
    )
    up = Q(heartbeat_at__gte=Now() - timedelta(seconds=conf.WORKER_TIMEOUT))
    workers = Worker.objects.aggregate(up=Count("pk", filter=up), known=Count("pk"))
    oldest = jobs["oldest"]
    return Numbers(
        running=jobs["running"],
        waiting=jobs["waiting"],
        oldest_wait=(timezone.now() - oldest).total_seconds() if oldest else None,
        failed=jobs["failed"],
        success=jobs["good"] / jobs["ended"] if jobs["ended"] else None,
        workers_up=workers["up"],
        workers_known=workers["known"],
    )

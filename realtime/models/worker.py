"""Celery workers and their heartbeats."""

from datetime import timedelta
from typing import Final

from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Now

from realtime.conf import conf
from realtime.models.job import NO_JOB, Job

HEARTBEAT_SECONDS: Final = 2.0
"""Seconds between two heartbeats of a Celery worker."""
HEARTBEATS: Final = 5
"""After a gap, each job's heartbeat can be saved this many times before jobs count as lost."""


class WorkerQuerySet(models.QuerySet["Worker"]):
    def up(self) -> "WorkerQuerySet":
        """Workers that have sent a heartbeat within `REALTIME_WORKER_TIMEOUT`."""
        return self.filter(heartbeat_at__gte=Now() - timedelta(seconds=conf.WORKER_TIMEOUT))

    def steady(self) -> "WorkerQuerySet":
        """Workers whose heartbeats were saved without a gap, for a while and until now."""
        period = timedelta(seconds=HEARTBEATS * conf.PERSIST_INTERVAL)
        return self.filter(heartbeat_at__gte=Now() - _gap(), steady_since__lte=Now() - period)

    def stamp(self, name: str) -> None:
        """Save a heartbeat of the worker `name`.

        Raises:
            DatabaseError: the heartbeat of a running job could not be saved now either.
        """
        # No row matches. It waits and fails like a job's heartbeat if only that table is locked.
        Job.objects.filter(pk=NO_JOB).update(heartbeat_at=Now())
        after_gap = When(heartbeat_at__lt=Now() - Value(_gap()), then=Now())
        steady_since = Case(after_gap, default=F("steady_since"))
        if not self.filter(pk=name).update(heartbeat_at=Now(), steady_since=steady_since):
            self.get_or_create(name=name)


def _gap() -> timedelta:
    """The time without a heartbeat that counts as a gap.

    It is shorter than the lease, so the gap is known before a job of a live process looks lost.
    """
    return timedelta(seconds=max(2 * HEARTBEAT_SECONDS, 0.75 * conf.LEASE))


class Worker(models.Model):
    """A Celery worker that has sent a heartbeat. Its name is Celery's `hostname`."""

    name = models.CharField(max_length=255, primary_key=True)
    first_seen_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    steady_since = models.DateTimeField(db_default=Now(), help_text="Beats without a break since.")

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

"""Celery workers and their heartbeats."""

from datetime import timedelta
from typing import Final

from django.db import models
from django.db.models import Case, F, Value, When
from django.db.models.functions import Now

from realtime.conf import conf
from realtime.models.job import NO_JOB, Job

HEARTBEAT_SECONDS: Final = 2.0
"""Seconds between two heartbeats of a worker: Celery's own."""
HEARTBEATS: Final = 5
"""How many times each job's heartbeat can be saved before silence counts again."""


class WorkerQuerySet(models.QuerySet["Worker"]):
    def up(self) -> "WorkerQuerySet":
        return self.filter(heartbeat_at__gte=Now() - timedelta(seconds=conf.WORKER_TIMEOUT))

    def steady(self) -> "WorkerQuerySet":
        """Those whose heartbeats have been saved without a break, for a while and until now."""
        while_ = timedelta(seconds=HEARTBEATS * conf.PERSIST_INTERVAL)
        return self.filter(heartbeat_at__gte=Now() - _break(), steady_since__lte=Now() - while_)

    def stamp(self, name: str) -> None:
        """Save a heartbeat of the worker `name`.

        Raises:
            DatabaseError: it cannot be saved; nor could that of a running job.
        """
        # Waits and fails as the heartbeat of a job would, if only their table is locked.
        Job.objects.filter(pk=NO_JOB).update(heartbeat_at=Now())
        broken = When(heartbeat_at__lt=Now() - Value(_break()), then=Now())
        since = Case(broken, default=F("steady_since"))
        if not self.filter(pk=name).update(heartbeat_at=Now(), steady_since=since):
            self.get_or_create(name=name)


def _break() -> timedelta:
    """How long a worker is silent when something keeps heartbeats from being saved.

    Shorter than the lease, so that it shows before the first job of a live process looks lost.
    """
    return timedelta(seconds=max(2 * HEARTBEAT_SECONDS, 0.75 * conf.LEASE))


class Worker(models.Model):
    """A Celery worker that has been seen; its name is Celery's `hostname`."""

    name = models.CharField(max_length=255, primary_key=True)
    first_seen_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    steady_since = models.DateTimeField(db_default=Now(), help_text="Beats without a break since.")

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

"""Jobs, their ledger, their timeline, and the workers that run them."""

from collections import defaultdict, deque
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from django.conf import settings
from django.db import models, transaction
from django.db.models import Case, F, Q, Value, When
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from realtime.conf import conf
from realtime.events import JobEvent as JobEvent  # re-exported: a model is looked for here
from realtime.slots import ScheduledRun as ScheduledRun  # re-exported as well
from realtime.states import (
    CLAIMABLE,
    FINISHED,
    WAITING,
    Carrier,
    ItemState,
    JobState,
    Visibility,
)

BEAT: Final = 2.0
"""Seconds between two heartbeats of a worker: Celery's own."""
HEARTBEATS: Final = 5
"""How many times each job's heartbeat can be saved before silence counts again."""
NOBODY: Final = UUID(int=0)
"""The id of no job."""


class JobQuerySet(models.QuerySet["Job"]):
    """Queries over jobs. What changes a job's state is in `realtime.jobs`."""

    def unfinished(self) -> "JobQuerySet":
        return self.exclude(state__in=FINISHED)

    def waiting(self) -> "JobQuerySet":
        return self.filter(state__in=WAITING)

    def batches(self) -> "JobQuerySet":
        """Jobs that no worker runs: their state and bar are those of their child jobs."""
        return self.filter(carrier=Carrier.CHILDREN)

    def unpublished(self, *, before: datetime | Combinable) -> "JobQuerySet":
        """Jobs that should have been published `before` and were not."""
        due = Q(due_at=None) | Q(due_at__lte=before)
        return self.filter(due, state__in=CLAIMABLE, published_at=None, queued_at__lte=before)

    def leased(self, job: "Job") -> "JobQuerySet":
        """The row of `job`, if the attempt of this object still has the lease."""
        running = self.filter(pk=job.pk, state=JobState.RUNNING, attempt=job.attempt)
        return running.exclude(carrier=Carrier.CHILDREN)

    def update_in_order(self, **fields: Any) -> int:
        """`update` for many jobs at once, which cannot end in a deadlock.

        It locks the rows in the order of their ids, as every other writer does. It does not lock
        their keys (`no_key`): if a child job is updated twice in a transaction, PostgreSQL looks
        for the row of its parent at the end.
        """
        with transaction.atomic():
            rows = self.order_by("pk").select_for_update(no_key=True).values("pk")
            return self.model.objects.filter(pk__in=rows).update(**fields)


class Job(models.Model):
    """One tracked run of a task. Its id is the Celery task id too."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task = models.CharField(max_length=255)
    title = models.CharField(max_length=255)
    queue = models.CharField(max_length=255)
    args = models.JSONField(default=list, blank=True)
    kwargs = models.JSONField(default=dict, blank=True)
    options = models.JSONField(default=dict, blank=True, help_text="How it is published.")
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        related_name="children",
        on_delete=models.CASCADE,
        db_index=False,  # job_children
    )
    carrier = models.CharField(max_length=10, choices=Carrier.choices, default=Carrier.BODY)

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        related_name="jobs",
        on_delete=models.SET_NULL,
        db_index=False,  # job_owner
    )
    visibility = models.CharField(
        max_length=10, choices=Visibility.choices, default=Visibility.PRIVATE
    )
    subject_url = models.CharField(max_length=500, blank=True)

    state = models.CharField(max_length=10, choices=JobState.choices, default=JobState.QUEUED)
    attempt = models.PositiveIntegerField(default=0)
    max_attempts = models.PositiveIntegerField(default=3)
    losses = models.PositiveIntegerField(default=0, help_text="How many workers it has lost.")
    worker = models.CharField(max_length=255, blank=True)
    result = models.JSONField(null=True, blank=True)
    file = models.JSONField(null=True, blank=True, help_text="The file that it made.")
    error_code = models.CharField(max_length=100, blank=True)
    error = models.TextField(blank=True)
    traceback = models.TextField(blank=True)

    phase = models.CharField(max_length=100, blank=True)
    phases = models.JSONField(default=list, blank=True)
    fraction = models.FloatField(null=True, blank=True)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True)
    unit = models.CharField(max_length=50, blank=True)
    rate = models.FloatField(null=True, blank=True)
    eta = models.FloatField(null=True, blank=True)
    estimated_at = models.DateTimeField(null=True, blank=True, help_text="Of a batch.")
    message = models.CharField(max_length=500, blank=True)
    counts = models.JSONField(default=dict, blank=True)
    failed = models.PositiveBigIntegerField(default=0, help_text="How many items have failed.")
    recent = models.JSONField(default=list, blank=True, help_text="The newest items.")

    queued_at = models.DateTimeField(db_default=Now())
    published_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    heartbeat_at = models.DateTimeField(null=True, blank=True)
    cancel_requested_at = models.DateTimeField(null=True, blank=True)

    revision = models.PositiveIntegerField(default=0)
    tick = models.PositiveIntegerField(default=0)

    objects = JobQuerySet.as_manager()

    is_claimed = False
    """Whether this very object is the one that a worker has claimed."""
    made_before: "defaultdict[str, deque[UUID]] | None" = None
    """Of a claimed job: the parts that earlier attempts have made (see `realtime.reruns`)."""

    class Meta:
        ordering = ("-id",)
        # On PostgreSQL a move leaves a dead entry in each. So none says what another says, the id
        # follows the state, and a value that most rows share is in none: or a move would look for
        # its row among all that have been there.
        indexes = (
            models.Index(fields=("state", "id", "queue"), name="job_state"),
            models.Index(fields=("-queued_at", "-id"), name="job_newest"),
            models.Index(fields=("task", "-id"), name="job_task"),
            models.Index(fields=("owner", "-id"), name="job_owner"),
            models.Index(
                fields=("finished_at",),
                condition=Q(finished_at__isnull=False),
                name="job_finished",
            ),
            models.Index(
                fields=("parent", "state"), condition=Q(parent__isnull=False), name="job_children"
            ),
            models.Index(
                fields=("queued_at",),
                condition=Q(state__in=sorted(CLAIMABLE), published_at=None),
                name="job_unpublished",
            ),
        )

    def __str__(self) -> str:
        return self.title

    @property
    def is_finished(self) -> bool:
        return self.state in FINISHED


class JobItem(models.Model):
    """One entry of a job's ledger, named by a key that is unique in the job."""

    job = models.ForeignKey(
        Job,
        related_name="items",
        on_delete=models.CASCADE,
        db_index=False,  # item_key
    )
    key = models.CharField(max_length=200)
    label = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.PENDING)
    outcome = models.CharField(max_length=50, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    image = models.CharField(max_length=500, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("job", "key"), name="item_key"),)

    def __str__(self) -> str:
        return self.label or self.key


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
        Job.objects.filter(pk=NOBODY).update(heartbeat_at=Now())
        broken = When(heartbeat_at__lt=Now() - Value(_break()), then=Now())
        since = Case(broken, default=F("steady_since"))
        if not self.filter(pk=name).update(heartbeat_at=Now(), steady_since=since):
            self.get_or_create(name=name)


def _break() -> timedelta:
    """How long a worker is silent when something keeps heartbeats from being saved.

    Shorter than the lease, so that it shows before the first job of a live process looks lost.
    """
    return timedelta(seconds=max(2 * BEAT, 0.75 * conf.LEASE))


class Worker(models.Model):
    """A Celery worker that has been seen; its name is Celery's `hostname`."""

    name = models.CharField(max_length=255, primary_key=True)
    first_seen_at = models.DateTimeField(db_default=Now())
    heartbeat_at = models.DateTimeField(db_default=Now())
    steady_since = models.DateTimeField(db_default=Now(), help_text="Beats without a break since.")

    objects = WorkerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name


def job_id_of(task_id: str) -> UUID:
    """The job id of a Celery task id.

    They are equal wherever the task id is a UUID, as Celery makes them. A sender may choose any
    other text; that is mapped to a UUID, always the same one.
    """
    try:
        return UUID(task_id)
    except ValueError:
        return uuid5(NAMESPACE_OID, task_id)

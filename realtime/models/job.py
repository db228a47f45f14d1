"""Jobs: one tracked run of a task each, and the queries over them."""

from collections import defaultdict, deque
from datetime import datetime
from typing import Any, Final
from uuid import NAMESPACE_OID, UUID, uuid5

from django.conf import settings
from django.db import models, transaction
from django.db.models import Q
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from uuid_utils.compat import uuid7

from realtime.models.queue_position import QueuePosition
from realtime.states import (
    CLAIMABLE,
    FINISHED,
    WAITING,
    JobState,
    RunBy,
    Visibility,
)

NO_JOB: Final = UUID(int=0)
"""An id that no job has."""


class JobQuerySet(models.QuerySet["Job"]):
    """Queries over jobs. The functions that change a job's state are in `realtime.jobs`."""

    def unfinished(self) -> "JobQuerySet":
        return self.exclude(state__in=FINISHED)

    def waiting(self) -> "JobQuerySet":
        return self.filter(state__in=WAITING)

    def batches(self) -> "JobQuerySet":
        """Jobs that no worker runs. Their state and progress are the totals of their child jobs."""
        return self.filter(carrier=RunBy.CHILDREN)

    def unpublished(self, *, before: datetime | Combinable) -> "JobQuerySet":
        """Jobs that should have been published before this time and were not."""
        due = Q(due_at=None) | Q(due_at__lte=before)
        return self.filter(due, state__in=CLAIMABLE, published_at=None, queued_at__lte=before)

    def leased(self, job: "Job") -> "JobQuerySet":
        """The row of `job` if `job.attempt` still has the lease, otherwise no row."""
        running = self.filter(pk=job.pk, state=JobState.RUNNING, attempt=job.attempt)
        return running.exclude(carrier=RunBy.CHILDREN)

    def update_in_order(self, **fields: Any) -> int:
        """Update many jobs without the risk of a deadlock.

        It locks the rows in the order of their ids, as every other writer does. It uses
        `no_key=True` because PostgreSQL locks the key of a parent's row when one of its child jobs
        is updated twice in a transaction.
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
    calls_hash = models.CharField(
        max_length=64,
        blank=True,
        editable=False,
        default="",
        db_default="",  # for processes of the version before, which do not know the field
        help_text="Of a batch: a hash of the calls that it was created with.",
    )
    parent = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        related_name="children",
        on_delete=models.CASCADE,
        db_index=False,  # The index job_children is smaller.
    )
    carrier = models.CharField(max_length=10, choices=RunBy.choices, default=RunBy.BODY)

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        related_name="jobs",
        on_delete=models.SET_NULL,
        db_index=False,  # The index job_owner starts with it.
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

    queue_position: QueuePosition | None = None
    """Set by `realtime.snapshots.queue_position`; None if it was not looked up."""
    is_claimed = False
    """Whether this object was returned by `lease.claim` (it is not a field)."""
    reusable_children: "defaultdict[str, deque[UUID]] | None" = None
    """Of a claimed job: child jobs that earlier attempts created (see `realtime.jobs.reuse`)."""

    class Meta:
        ordering = ("-id",)
        # On PostgreSQL each change of state leaves a dead entry in every index. So no index repeats
        # another one, the id follows the state, and no index contains a value that most rows
        # share. Otherwise a query for one row would read the dead entries of all the others.
        indexes = (
            models.Index(fields=("state", "id", "queue"), name="job_state"),
            models.Index(fields=("-queued_at", "-id"), name="job_newest"),
            models.Index(fields=("task", "-id"), name="job_task"),
            models.Index(fields=("owner", "-id"), name="job_owner"),
            # These three are for the operators' numbers. The condition of the first names no state:
            # SQLite does not use an index whose condition has an IN that the query gives as
            # parameters, and PostgreSQL might search it for a job that changes its state.
            models.Index(
                fields=("state", "carrier", "due_at", "queued_at"),
                condition=Q(finished_at__isnull=True),
                name="job_unfinished",
            ),
            models.Index(
                fields=("state", "carrier"), condition=Q(state=JobState.FAILED), name="job_failed"
            ),
            models.Index(
                fields=("finished_at", "state", "carrier"),
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


def job_id_of(task_id: str) -> UUID:
    """The job id of a Celery task id.

    The two are equal if the task id is a UUID, which is what Celery generates. Any other text is
    mapped to a UUID, always to the same one.
    """
    try:
        return UUID(task_id)
    except ValueError:
        return uuid5(NAMESPACE_OID, task_id)

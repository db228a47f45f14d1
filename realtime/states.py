"""The states of jobs and items, and the other choices of the models."""

from typing import Final

from django.db.models import TextChoices


class JobState(TextChoices):
    QUEUED = "queued", "Waiting"  # saved; the next free worker claims it
    RUNNING = "running", "Running"  # a worker has its lease
    RETRYING = "retrying", "Trying again"  # an attempt failed; the next one is due at `due_at`
    LOST = "lost", "Lost"  # its worker sends no heartbeats; it will be queued again or failed
    SUCCEEDED = "succeeded", "Done"  # the body returned
    FAILED = "failed", "Failed"  # the body raised, or it lost too many workers
    CANCELLED = "cancelled", "Cancelled"  # a user cancelled it


WAITING: Final = frozenset({JobState.QUEUED, JobState.RETRYING, JobState.LOST})
FINISHED: Final = frozenset({JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED})
CLAIMABLE: Final = frozenset({JobState.QUEUED, JobState.RETRYING})


class RunBy(TextChoices):
    """What a job consists of: the body of its task, its child jobs, or one after the other."""

    # A worker runs the body. When the body ends, the job ends.
    BODY = "body", "Its body"
    # A worker runs the body, which has created child jobs. Then the job becomes CHILDREN.
    BODY_THEN_CHILDREN = "both", "Its body, then its jobs"
    # No worker runs the job. Its state and progress are the totals of its child jobs.
    CHILDREN = "children", "Its jobs"


class ItemState(TextChoices):
    PENDING = "pending", "Waiting"  # known, not started
    STARTED = "started", "Under way"  # its effect may have happened
    DONE = "done", "Done"  # its effect happened and is recorded
    FAILED = "failed", "Failed"  # its effect did not happen
    UNKNOWN = "unknown", "Not known"  # its effect may have happened; it cannot be determined


class Visibility(TextChoices):
    PRIVATE = "private", "Private"  # the owner, operators, and anyone with the watch key
    PUBLIC = "public", "Public"  # anyone


class EventKind(TextChoices):
    STATE = "state", "State"  # the job changed its state
    LOG = "log", "Log"  # the task wrote a line
    ACTION = "action", "Action"  # an operator or the owner acted on the job

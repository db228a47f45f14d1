"""The states of a job and of an item, one line of meaning each."""

from typing import Final

from django.db.models import TextChoices


class JobState(TextChoices):
    QUEUED = "queued", "Waiting"  # saved; a worker takes it as soon as one is free
    RUNNING = "running", "Running"  # a worker holds its lease
    RETRYING = "retrying", "Trying again"  # a try failed; the next one is due at `due_at`
    LOST = "lost", "Lost"  # its worker fell silent; it is about to be rescued or failed
    SUCCEEDED = "succeeded", "Done"  # the body returned
    FAILED = "failed", "Failed"  # the body raised, or its attempts are used up
    CANCELLED = "cancelled", "Cancelled"  # somebody asked for it


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
    PENDING = "pending", "Waiting"  # known, not begun
    STARTED = "started", "Under way"  # its effect may have happened
    DONE = "done", "Done"  # its effect happened and is recorded
    FAILED = "failed", "Failed"  # its effect did not happen
    UNKNOWN = "unknown", "Not known"  # nobody can tell whether its effect happened


class Visibility(TextChoices):
    PRIVATE = "private", "Private"  # the owner, operators, and holders of the watch key
    PUBLIC = "public", "Public"  # anyone


class EventKind(TextChoices):
    STATE = "state", "State"  # the job changed its state
    LOG = "log", "Log"  # the task had something to say
    ACTION = "action", "Action"  # an operator or the owner did something

"""How a job comes to be: a row in the caller's transaction, published after its commit."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from kombu.exceptions import EncodeError

from realtime.errors import JobEnded, LeaseLost
from realtime.jobs import transitions
from realtime.jobs.descendants import run_children_again
from realtime.jobs.message import AnyTask, check_arguments, job_fields_of_task, message_fields
from realtime.jobs.reuse import QUEUED_AGAIN, find_reusable, should_rerun
from realtime.models import Job, JobEvent, job_id_of
from realtime.serialization import to_json_lossy
from realtime.signals import notify_changed, notify_queued
from realtime.states import EventKind, JobState, Visibility

UNSTORABLE: Final = "It was not run: its arguments cannot be stored as they came."


def enqueue(
    task: AnyTask,
    *,
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
    owner: AbstractBaseUser | None = None,
    visibility: Visibility | None = None,
    subject_url: str = "",
    title: str = "",
    parent: Job | None = None,
    **options: Any,
) -> Job:
    """Have `task` run with these arguments, and return its job.

    The job is written in the caller's transaction and published after its commit by the bus, so
    this costs one INSERT and no network: with a broker that is down the job waits, and is
    published when the broker is back. `options` are those of Celery's `apply_async`
    (`countdown`, `eta`, `queue`, `priority`, …); with `expires` it fails if nobody has begun it by
    then. `title` and `visibility` are the task's own unless given.

    With `parent`, an unfinished job, the new one is a part of it: a running task may so fan out.
    Unless told otherwise, it has its parent's owner, and whoever may watch that may watch it.
    The parent ends when its own body and all its parts have ended (see `realtime.batches`). A body
    that is run again, and gives `self.progress.job`, gets the parts that it has made before.

    Raises:
        JobEnded: `parent` has ended.
        LeaseLost: `parent` is the job of the task that asks, and another run has taken it over.
        TimeLimitRefused: `time_limit` is not under the broker's visibility timeout.
        TypeError: the arguments do not fit the task's signature.
        kombu.exceptions.EncodeError: an argument cannot be written as JSON, or not be stored.
    """
    check_arguments(task, args, kwargs or {})
    job = Job(
        owner_id=owner.pk if owner else parent.owner_id if parent else None,
        subject_url=subject_url,
        parent=parent,
        **job_fields_of_task(task),
        **message_fields(task, args, kwargs or {}, options),
    )
    job.title = title or job.title
    job.visibility = visibility or (parent.visibility if parent else job.visibility)
    return _as_before(job) or save(job)


async def aenqueue(task: AnyTask, **options: Any) -> Job:
    """`enqueue` for async callers; it has no part in their transaction, which they cannot have."""
    return await sync_to_async(enqueue)(task, **options)


def _as_before(job: Job) -> Job | None:
    earlier = find_reusable(job)
    if earlier and should_rerun(earlier):
        phases = [name for name, _ in job.phases]
        options = job.options
        if not transitions.run_again(earlier.pk, options=options, phases=phases, text=QUEUED_AGAIN):
            run_children_again(earlier)  # It had become a batch.
    return earlier


def save(job: Job, *, publish: bool = True) -> Job:
    with transaction.atomic():
        join_parent(job)
        job.save(force_insert=True)
        JobEvent.objects.create(
            job=job, kind=EventKind.STATE, state=JobState.QUEUED, text=JobState.QUEUED.label
        )
        (notify_queued if publish else notify_changed)(job.pk)
    return job


def join_parent(job: Job) -> None:
    """Make the parent of `job`, if it has one, wait for it; to be called before it is saved.

    Raises:
        JobEnded: the parent has ended.
        LeaseLost: the parent is the caller's own job, and is no longer this run's.
    """
    parent = job.parent
    if parent is None or transitions.add_child(parent):
        return
    if parent.is_claimed and Job.objects.unfinished().filter(pk=parent.pk).exists():
        raise LeaseLost
    raise JobEnded("The job has ended, and can have no further parts.")


def adopt(
    task: AnyTask,
    task_id: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    queue: str,
) -> None:
    """Make the row of a message that came without one, as `send_task` elsewhere sends it.

    With arguments that cannot be stored the job fails: it could not be run again as it was.
    """
    try:
        message, is_whole = message_fields(task, args, kwargs, {"queue": queue}), True
    except EncodeError:
        given = to_json_lossy(list(args)), to_json_lossy(dict(kwargs))
        message, is_whole = message_fields(task, *given, {"queue": queue}), False
    job = Job(id=job_id_of(task_id), published_at=Now(), **job_fields_of_task(task), **message)
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            if not is_whole:
                transitions.refuse(job.pk, code="unstorable", error=UNSTORABLE)
    except IntegrityError:
        if not Job.objects.filter(pk=job.pk).exists():
            raise

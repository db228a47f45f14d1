"""Creation of jobs: a row in the caller's transaction, published after its commit.

`enqueue` is for the code that wants a task to run. `adopt` creates the row of a message that a
worker received without one.
"""

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
from realtime.jobs.message import (
    AnyTask,
    as_title,
    check_call,
    checked_address,
    job_fields_of_task,
    message_fields,
    options_of_caller,
)
from realtime.jobs.reuse import QUEUED_AGAIN, find_reusable, should_rerun
from realtime.models import Job, JobEvent, job_id_of
from realtime.models.addresses import checked_link
from realtime.serialization import to_json_lossy
from realtime.signals import notify_changed, notify_queued
from realtime.states import EventKind, JobState, Visibility

UNSTORABLE: Final = "It was not run: its arguments cannot be stored unchanged."


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
    """Create a job that runs `task` with these arguments.

    The job is saved in the caller's transaction, and the bus publishes it after the commit. This
    needs no network. While the broker is down, the job waits. `options` are those of Celery's
    `apply_async` (`countdown`, `eta`, `queue`, `priority`, …). With `expires` the job fails if no
    worker has started it by then. `title` and `visibility` default to those of the task.

    With `parent`, an unfinished job, the new job is its child: this is how a running task fans out
    (`parent=self.progress.job`). The child has the owner and the visibility of its parent unless
    others are given. The parent ends when its body and all its children have ended (see
    `realtime.batches`). If the body runs again, `enqueue` returns the children that an earlier
    attempt created (see `realtime.jobs.reuse`).

    Raises:
        JobEnded: `parent` has ended.
        LeaseLost: `parent` is the job of the calling task, and another run has its lease.
        TimeLimitRefused: `time_limit` is not below the broker's visibility timeout.
        TypeError: the arguments do not fit the task's signature.
        ValueError: `subject_url` is too long, or neither a path of this site nor an HTTP address,
            or the app does not know the queue.
        kombu.exceptions.EncodeError: an argument cannot be written as JSON, or not be stored.
    """
    check_call(task, args, kwargs or {}, options)
    job = Job(
        owner_id=owner.pk if owner else parent.owner_id if parent else None,
        subject_url=checked_link(checked_address(subject_url)),
        parent=parent,
        **job_fields_of_task(task),
        **message_fields(task, args, kwargs or {}, options_of_caller(task) | options),
    )
    job.title = as_title(title) or job.title
    job.visibility = visibility or (parent.visibility if parent else job.visibility)
    return _reuse(job) or save(job)


async def aenqueue(task: AnyTask, **options: Any) -> Job:
    """`enqueue` for async callers. It has a transaction of its own, as async code has none."""
    return await sync_to_async(enqueue)(task, **options)


def _reuse(job: Job) -> Job | None:
    """The child job that an earlier attempt created with this call, queued again if necessary."""
    earlier = find_reusable(job)
    if earlier and should_rerun(earlier):
        phases = [name for name, _ in job.phases]
        options = job.options
        if not transitions.run_again(earlier.pk, options=options, phases=phases, text=QUEUED_AGAIN):
            run_children_again(earlier)  # It is a batch.
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
    """Prepare the parent of `job`, if it has one, for this child. Call it before saving `job`.

    Raises:
        JobEnded: the parent has ended.
        LeaseLost: the parent is the job of the calling task, and another run has its lease.
    """
    parent = job.parent
    if parent is None or transitions.add_child(parent):
        return
    if parent.is_claimed and Job.objects.unfinished().filter(pk=parent.pk).exists():
        raise LeaseLost
    raise JobEnded("The job has ended, so it can have no further child jobs. Run it again first.")


def adopt(
    task: AnyTask,
    task_id: str,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    *,
    queue: str,
    options: Mapping[str, Any],
) -> None:
    """Create the row of a message that has none, because another program called `send_task`.

    `options` are those of the message, so that a later message of the job has them too. If they or
    the arguments cannot be stored, the job fails: it could not be run again with them.
    """
    try:
        message, is_exact = message_fields(task, args, kwargs, {**options, "queue": queue}), True
    except (EncodeError, ValueError):  # a ValueError for a time that is not in ISO 8601
        lossy = to_json_lossy(list(args)), to_json_lossy(dict(kwargs))
        message, is_exact = message_fields(task, *lossy, {"queue": queue}), False
    job = Job(id=job_id_of(task_id), published_at=Now(), **job_fields_of_task(task), **message)
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            if not is_exact:
                transitions.refuse(job.pk, code="unstorable", error=UNSTORABLE)
    except IntegrityError:  # Another delivery of the same message may have created it.
        if not Job.objects.filter(pk=job.pk).exists():
            raise

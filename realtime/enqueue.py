"""How a job comes to be: a row in the caller's transaction, published after its commit."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from asgiref.sync import sync_to_async
from celery import Task
from celery.utils.time import maybe_make_aware
from django.contrib.auth.models import AbstractBaseUser
from django.db import IntegrityError, transaction
from django.db.models.functions import Now
from kombu.exceptions import EncodeError
from kombu.utils.json import loads

from realtime import transitions
from realtime.cascade import run_parts_again
from realtime.errors import JobEnded, LeaseLost
from realtime.limits import check_call
from realtime.models import Job, JobEvent, job_id_of
from realtime.reruns import AGAIN, made_before, wants_again
from realtime.signals import announce, announce_queued
from realtime.states import EventKind, JobState, Visibility
from realtime.storable import exact, readable

AnyTask = Task[Any, Any]

PROCESS_BOUND: Final = frozenset({"producer", "publisher", "connection", "result_cls", "task_type"})
"""Options of `apply_async` that live in the caller's process and cannot be stored."""
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
        **described(task),
        **published(task, args, kwargs or {}, options),
    )
    job.title = title or job.title
    job.visibility = visibility or (parent.visibility if parent else job.visibility)
    return _as_before(job) or save(job)


async def aenqueue(task: AnyTask, **options: Any) -> Job:
    """`enqueue` for async callers; it has no part in their transaction, which they cannot have."""
    return await sync_to_async(enqueue)(task, **options)


def _as_before(job: Job) -> Job | None:
    earlier = made_before(job)
    if earlier and wants_again(earlier):
        phases = [name for name, _ in job.phases]
        options = job.options
        if not transitions.run_again(earlier.pk, options=options, phases=phases, text=AGAIN):
            run_parts_again(earlier)  # It had become a batch.
    return earlier


def save(job: Job, *, publish: bool = True) -> Job:
    with transaction.atomic():
        join_parent(job)
        job.save(force_insert=True)
        JobEvent.objects.create(
            job=job, kind=EventKind.STATE, state=JobState.QUEUED, text=JobState.QUEUED.label
        )
        (announce_queued if publish else announce)(job.pk)
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
        message, is_whole = published(task, args, kwargs, {"queue": queue}), True
    except EncodeError:
        given = readable(list(args)), readable(dict(kwargs))
        message, is_whole = published(task, *given, {"queue": queue}), False
    job = Job(id=job_id_of(task_id), published_at=Now(), **described(task), **message)
    try:
        with transaction.atomic():
            job.save(force_insert=True)
            if not is_whole:
                transitions.refuse(job.pk, code="unstorable", error=UNSTORABLE)
    except IntegrityError:
        if not Job.objects.filter(pk=job.pk).exists():
            raise
        # Another delivery of the same message has just made it.


def check_arguments(task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Celery's own check of arguments against the signature, done before anything is saved."""
    if task.typing and hasattr(task, "__header__"):
        task.__header__(*args, **kwargs)


def described(task: AnyTask) -> dict[str, Any]:
    """What a task says of all its jobs."""
    return {
        "task": task.name,
        "title": getattr(task, "title", "") or task.name,
        "visibility": getattr(task, "visibility", Visibility.PRIVATE),
        "max_attempts": getattr(task, "max_attempts", 3),
        "phases": [[name, "waiting"] for name, _ in getattr(task, "phases", ())],
    }


def published(
    task: AnyTask,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    options: dict[str, Any],
) -> dict[str, Any]:
    """The message, in a form that can be stored and published again exactly.

    Raises:
        TimeLimitRefused: the call brings time limits that the broker would not wait for.
    """
    check_call(task, options)
    options = {
        name: value
        for name, value in options.items()
        if name not in PROCESS_BOUND and value is not None
    }
    if not (options.get("priority") or task.priority):
        options.pop("priority", None)  # On Redis a retry says 0 for none.
    due_at = _due_at(options)
    expires_at = _moment(options.pop("expires", None) or task.expires)
    return {
        "args": exact(list(args)),
        "kwargs": exact(dict(kwargs)),
        "options": exact(options),
        "queue": _queue_name(task, options),
        "due_at": due_at,
        "expires_at": expires_at,
    }


def as_sent(value: Any) -> Any:
    return loads(json.dumps(value))


def _queue_name(task: AnyTask, options: dict[str, Any]) -> str:
    queue = options.get("queue") or getattr(task, "queue", None)
    if queue is None:
        route = task.app.amqp.router.route(dict(options), task.name)
        queue = route.get("queue")
    return str(getattr(queue, "name", queue) or task.app.conf.task_default_queue)


def _due_at(options: dict[str, Any]) -> datetime | None:
    """Take `countdown` and `eta` out of `options`: the job's `due_at` stands for both."""
    countdown, eta = options.pop("countdown", None), options.pop("eta", None)
    return _moment(countdown or eta)


def _moment(when: float | str | datetime | None) -> datetime | None:
    """What Celery takes for a moment: seconds from now, ISO 8601, or a datetime."""
    if not when:
        return None
    if isinstance(when, int | float):
        return datetime.now(UTC) + timedelta(seconds=when)
    moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    return maybe_make_aware(moment)

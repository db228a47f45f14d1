"""Batches: jobs that consist of child jobs, created with them in one transaction.

`enqueue_batch` creates a batch. A running task can also become a batch by fanning out
(`enqueue(…, parent=job)`): when its body has ended, the job waits for its child jobs. No worker
runs a batch. `rollup` computes its progress and its state from its child jobs.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.utils import timezone

from realtime.conf import conf
from realtime.errors import BatchTooLarge
from realtime.jobs.create import join_parent
from realtime.jobs.descendants import CHUNK_SIZE, add_events, run_children_again
from realtime.jobs.message import (
    AnyTask,
    as_title,
    check_call,
    checked_address,
    job_fields_of_task,
    message_fields,
    options_of_caller,
)
from realtime.jobs.reuse import find_reusable, hash_calls, should_rerun
from realtime.models import Job
from realtime.models.addresses import checked_link
from realtime.signals import notify_changed, request_publish
from realtime.states import JobState, RunBy, Visibility

Call = Sequence[Any] | Mapping[str, Any]
"""The arguments of one child job: a sequence (positional) or a mapping (by name)."""

TASK: Final = "realtime.batch"
"""The task name of batches that `enqueue_batch` created. No such task is registered."""
UNIT: Final = "job"


def enqueue_batch(
    task: AnyTask,
    calls: Iterable[Call],
    *,
    title: str,
    owner: AbstractBaseUser | None = None,
    visibility: Visibility | None = None,
    subject_url: str = "",
    parent: Job | None = None,
    **options: Any,
) -> Job:
    """Create a batch in which `task` runs once for each of `calls`.

    The batch and its child jobs are saved in one transaction, and published after its commit.
    `options` are those of Celery's `apply_async`, for each child job. For `parent` see `enqueue`.

    Raises:
        BatchTooLarge: there are more than `REALTIME_BATCH_MAX` calls.
        JobEnded: `parent` has ended.
        LeaseLost: `parent` is the job of the calling task, and another run has its lease.
        TimeLimitRefused: `time_limit` is not below the broker's visibility timeout.
        ValueError: `subject_url` is not a path of this site or an HTTP address.
        TypeError: a call does not fit the task's signature.
        kombu.exceptions.EncodeError: an argument cannot be written as JSON, or not be stored.
    """
    batch = Job(
        task=TASK,
        title=as_title(title),
        owner_id=owner.pk if owner else parent.owner_id if parent else None,
        visibility=visibility or (parent.visibility if parent else Visibility.PRIVATE),
        subject_url=checked_link(checked_address(subject_url)),
        parent=parent,
        carrier=RunBy.CHILDREN,
        state=JobState.RUNNING,
        started_at=timezone.now(),
        unit=UNIT,
    )
    children = [_child(batch, task, call, options) for call in _limited(calls)]
    batch.total = len(children)
    batch.calls_hash = hash_calls(children)
    return _reuse(batch) or _save(batch, children)


async def aenqueue_batch(task: AnyTask, calls: Iterable[Call], **options: Any) -> Job:
    """`enqueue_batch` for async callers."""
    return await sync_to_async(enqueue_batch)(task, calls, **options)


def _limited(calls: Iterable[Call]) -> list[Call]:
    limited = list(islice(calls, conf.BATCH_MAX + 1))
    if len(limited) > conf.BATCH_MAX:
        raise BatchTooLarge(
            f"This batch is too large: {conf.BATCH_MAX:,} jobs are allowed in one batch."
            " Split it into several batches."
        )
    return limited


def _reuse(batch: Job) -> Job | None:
    """The batch that an earlier attempt created with these calls, run again if necessary."""
    earlier = find_reusable(batch)
    if earlier and should_rerun(earlier):
        run_children_again(earlier)
    return earlier


def _save(batch: Job, children: list[Job]) -> Job:
    ids = [child.pk for child in children]
    with transaction.atomic():
        join_parent(batch)
        batch.save(force_insert=True)
        Job.objects.bulk_create(children, batch_size=CHUNK_SIZE)
        add_events([batch.pk], JobState.RUNNING, f"Made of {len(children):,} jobs")
        add_events(ids, JobState.QUEUED, JobState.QUEUED.label)
        notify_changed(batch.pk)
        request_publish(*ids)
    return batch


def _child(batch: Job, task: AnyTask, call: Call, options: dict[str, Any]) -> Job:
    is_by_name = isinstance(call, Mapping)
    args: Sequence[Any] = () if is_by_name else call  # type: ignore[assignment]  # not narrowed
    kwargs: Mapping[str, Any] = call if isinstance(call, Mapping) else {}
    check_call(task, args, kwargs, options)
    return Job(
        parent=batch,
        owner_id=batch.owner_id,
        **job_fields_of_task(task) | {"visibility": batch.visibility},
        **message_fields(task, args, kwargs, options_of_caller(task) | options),
    )

"""Batches: jobs that are carried on by jobs of their own.

A batch is made as one (`enqueue_batch`), or a running task becomes one by fanning out
(`enqueue(…, parent=job)`): it runs its body to the end, and then waits for its jobs. No worker has
it meanwhile. Its bar, its counts and in the end its state are its jobs' added up, by `roll_up`:

1. A job ends, and that is committed.
2. A second transaction updates the batch's row, and so waits for any other that does.
3. Its next statement counts the batch's jobs, and therefore sees all that ended before 1.

So whichever roll-up comes last has seen every end, in whatever order they commit. (PostgreSQL must
read committed rows, Django's default: a snapshot of the transaction's beginning would not do.)
The bus does this for the batches whose jobs have changed, a few times a second however many those
are; `repair` does it for a process that died between 1 and 2.
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
from realtime.jobs.message import AnyTask, check_arguments, job_fields_of_task, message_fields
from realtime.jobs.reuse import find_reusable, hash_calls, should_rerun
from realtime.models import Job
from realtime.signals import notify_changed, request_publish
from realtime.states import JobState, RunBy, Visibility

Call = Sequence[Any] | Mapping[str, Any]
"""The arguments of one job: by position, or by name."""

TASK: Final = "realtime.batch"
"""The task's name of a batch that was made as one; there is no such task."""
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
    """Have `task` run once for each of `calls`, and return the batch that they make up.

    All jobs are written in one transaction, or none, and published after its commit. `options`
    are those of Celery's `apply_async`, for each job. With `parent` see `enqueue`.

    Raises:
        BatchTooLarge: there are more than `REALTIME_BATCH_MAX` calls.
        JobEnded: `parent` has ended.
        LeaseLost: `parent` is the job of the task that asks, and another run has taken it over.
        TimeLimitRefused: `time_limit` is not under the broker's visibility timeout.
        TypeError: a call does not fit the task's signature.
        kombu.exceptions.EncodeError: an argument cannot be written as JSON, or not be stored.
    """
    batch = Job(
        task=TASK,
        title=title,
        owner_id=owner.pk if owner else parent.owner_id if parent else None,
        visibility=visibility or (parent.visibility if parent else Visibility.PRIVATE),
        subject_url=subject_url,
        parent=parent,
        carrier=RunBy.CHILDREN,
        state=JobState.RUNNING,
        started_at=timezone.now(),
        unit=UNIT,
    )
    jobs = [_part(batch, task, call, options) for call in _limited(calls)]
    batch.total = len(jobs)
    batch.calls_hash = hash_calls(jobs)
    if earlier := find_reusable(batch):
        if should_rerun(earlier):
            run_children_again(earlier)
        return earlier
    with transaction.atomic():
        join_parent(batch)
        batch.save(force_insert=True)
        Job.objects.bulk_create(jobs, batch_size=CHUNK_SIZE)
        add_events([batch.pk], JobState.RUNNING, f"Made of {len(jobs):,} jobs")
        add_events([job.pk for job in jobs], JobState.QUEUED, JobState.QUEUED.label)
        notify_changed(batch.pk)
        request_publish(*(job.pk for job in jobs))
    return batch


async def aenqueue_batch(task: AnyTask, calls: Iterable[Call], **options: Any) -> Job:
    """`enqueue_batch` for async callers."""
    return await sync_to_async(enqueue_batch)(task, calls, **options)


def _limited(calls: Iterable[Call]) -> list[Call]:
    most = conf.BATCH_MAX
    taken = list(islice(calls, most + 1))
    if len(taken) > most:
        raise BatchTooLarge(f"That is too much at once: {most:,} jobs are allowed in one batch.")
    return taken


def _part(batch: Job, task: AnyTask, call: Call, options: dict[str, Any]) -> Job:
    named = isinstance(call, Mapping)
    args: Sequence[Any] = () if named else call  # type: ignore[assignment]  # not narrowed
    kwargs: Mapping[str, Any] = call if isinstance(call, Mapping) else {}
    check_arguments(task, args, kwargs)
    return Job(
        parent=batch,
        owner_id=batch.owner_id,
        **job_fields_of_task(task) | {"visibility": batch.visibility},
        **message_fields(task, args, kwargs, options),
    )

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
from uuid import UUID

from asgiref.sync import sync_to_async
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now
from django.utils import timezone

from realtime import lease, transitions
from realtime.cascade import ROWS, cancel_parts, note, run_parts_again
from realtime.conf import conf
from realtime.enqueue import AnyTask, check_arguments, described, join_parent, published
from realtime.errors import BatchTooLarge
from realtime.models import Job
from realtime.reruns import CALLS, fingerprint, made_before, wants_again
from realtime.signals import announce, hand_in
from realtime.states import Carrier, JobState, Visibility
from realtime.sums import OUTCOMES, Sums, estimates, sums

Call = Sequence[Any] | Mapping[str, Any]
"""The arguments of one job: by position, or by name."""

TASK: Final = "realtime.batch"
"""The task's name of a batch that was made as one; there is no such task."""
UNIT: Final = "job"
FAILED: Final = "jobs_failed"


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
        carrier=Carrier.CHILDREN,
        state=JobState.RUNNING,
        started_at=timezone.now(),
        unit=UNIT,
    )
    jobs = [_part(batch, task, call, options) for call in _limited(calls)]
    batch.total = len(jobs)
    batch.options = {CALLS: fingerprint(jobs)}
    if earlier := made_before(batch):
        if wants_again(earlier):
            run_parts_again(earlier)
        return earlier
    with transaction.atomic():
        join_parent(batch)
        batch.save(force_insert=True)
        Job.objects.bulk_create(jobs, batch_size=ROWS)
        note([batch.pk], JobState.RUNNING, f"Made of {len(jobs):,} jobs")
        note([job.pk for job in jobs], JobState.QUEUED, JobState.QUEUED.label)
        announce(batch.pk)
        hand_in(*(job.pk for job in jobs))
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
        **described(task) | {"visibility": batch.visibility},
        **published(task, args, kwargs, options),
    )


def roll_up(batch_id: UUID) -> None:
    """Add a batch up, and end it when all its jobs have ended; nothing for any other job."""
    with transaction.atomic():
        batches = Job.objects.batches().filter(pk=batch_id, state=JobState.RUNNING)
        if not batches.update(tick=F("tick") + 1):  # Must be first: it takes the lock.
            return
        batch = batches.annotate(now=Now()).get()
        if batch.cancel_requested_at:
            cancel_parts(batch)  # those that were made since
        now = sums(batch_id)
        if now.ended == now.total:
            _end(batch, now)
        else:
            _go_on(batch, now)


def _go_on(batch: Job, now: Sums) -> None:
    share = (now.ended + now.begun) / now.total
    fields = {
        "fraction": min(1.0, max(batch.fraction or 0.0, share)),
        "message": now.message(),
        **_amounts(batch, now),
    }
    if any(getattr(batch, name) != value for name, value in fields.items()):
        Job.objects.filter(pk=batch.pk).update(**fields | estimates(batch, fields, now.total))
        announce(batch.pk)


def _end(batch: Job, now: Sums) -> None:
    state = now.end(cancel_requested=batch.cancel_requested_at is not None)
    failed = now.by_state.get(JobState.FAILED, 0)
    error = f"{failed:,} of {now.total:,} failed." if state == JobState.FAILED else ""
    transitions.end_batch(
        batch.pk,
        state,
        text=error or state.label,
        error=error,
        error_code=FAILED if error else "",
        fraction=batch.fraction if state == JobState.CANCELLED else 1.0,
        message="",
        **_amounts(batch, now),
    )


def _amounts(batch: Job, now: Sums) -> dict[str, Any]:
    own = {word: number for word, number in batch.counts.items() if word not in OUTCOMES}
    return {
        "done": now.ended,
        "total": now.total,
        "unit": UNIT,
        "counts": own | now.counts(),
    }


def touched(jobs: Iterable[Job]) -> set[UUID]:
    """The batches to be added up after these jobs have changed.

    A batch's own roll-ups have a tick; without one it has just become a batch, or one again.
    """
    found = set()
    for job in jobs:
        if job.parent_id:
            found.add(job.parent_id)
        if job.carrier == Carrier.CHILDREN and job.tick == 0 and not job.is_finished:
            found.add(job.pk)
    return found


def repair() -> int:
    """Add up the batches whose jobs have all ended; returns how many there were."""
    unended = Job.objects.unfinished().filter(parent_id=OuterRef("pk"))
    done = Job.objects.batches().filter(~Exists(unended), state=JobState.RUNNING)
    ids = list(done.order_by("-pk").values_list("pk", flat=True)[:ROWS])  # the inner ones first
    for batch_id in ids:
        roll_up(batch_id)
    return len(ids)


def cancel_rest(job: Job, *, if_asked: bool = False) -> None:
    """Cancel the jobs that `job` has made, and see at once whether that was its end.

    With `if_asked` only if somebody wants `job` itself cancelled.
    """
    parents = Job.objects.filter(pk=job.pk).exclude(carrier=Carrier.BODY)
    if (parents.exclude(cancel_requested_at=None) if if_asked else parents).exists():
        cancel_parts(job)
        roll_up(job.pk)


def end_cancelled(job: Job, **fields: Any) -> bool:
    """`cancel_running`, and `cancel_rest`: both or neither."""
    with transaction.atomic():
        held = lease.cancel_running(job, **fields)
        if held:
            cancel_rest(job)
    return held


def end_failed(job: Job, **fields: Any) -> bool:
    """`fail`, and `cancel_rest` if the job was to be cancelled: both or neither."""
    with transaction.atomic():
        held = lease.fail(job, **fields)
        if held:
            cancel_rest(job, if_asked=True)
    return held

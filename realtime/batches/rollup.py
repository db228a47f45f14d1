"""How a batch is added up, and ends."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.db.models.functions import Now

from realtime.batches.batch import UNIT
from realtime.batches.totals import OUTCOMES, Totals, estimates, totals_of
from realtime.jobs import lease, transitions
from realtime.jobs.descendants import cancel_descendants
from realtime.models import Job
from realtime.signals import notify_changed
from realtime.states import JobState, RunBy

FAILED: Final = "jobs_failed"


def roll_up(batch_id: UUID) -> None:
    """Add a batch up, and end it when all its jobs have ended; nothing for any other job."""
    with transaction.atomic():
        batches = Job.objects.batches().filter(pk=batch_id, state=JobState.RUNNING)
        if not batches.update(tick=F("tick") + 1):  # Must be first: it takes the lock.
            return
        batch = batches.annotate(now=Now()).get()
        if batch.cancel_requested_at:
            cancel_descendants(batch)  # those that were made since
        now = totals_of(batch_id)
        if now.ended == now.total:
            _end(batch, now)
        else:
            _go_on(batch, now)


def _go_on(batch: Job, now: Totals) -> None:
    share = (now.ended + now.begun) / now.total
    fields = {
        "fraction": min(1.0, max(batch.fraction or 0.0, share)),
        "message": now.message(),
        **_amounts(batch, now),
    }
    if any(getattr(batch, name) != value for name, value in fields.items()):
        Job.objects.filter(pk=batch.pk).update(**fields | estimates(batch, fields, now.total))
        notify_changed(batch.pk)


def _end(batch: Job, now: Totals) -> None:
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


def _amounts(batch: Job, now: Totals) -> dict[str, Any]:
    own = {word: number for word, number in batch.counts.items() if word not in OUTCOMES}
    return {
        "done": now.ended,
        "total": now.total,
        "unit": UNIT,
        "counts": own | now.counts(),
    }


def batches_to_roll_up(jobs: Iterable[Job]) -> set[UUID]:
    """The batches to be added up after these jobs have changed.

    A batch's own roll-ups have a tick; without one it has just become a batch, or one again.
    """
    found = set()
    for job in jobs:
        if job.parent_id:
            found.add(job.parent_id)
        if job.carrier == RunBy.CHILDREN and job.tick == 0 and not job.is_finished:
            found.add(job.pk)
    return found


def roll_up_ended(limit: int) -> int:
    """Add up the batches whose jobs have all ended; returns how many there were."""
    unended = Job.objects.unfinished().filter(parent_id=OuterRef("pk"))
    done = Job.objects.batches().filter(~Exists(unended), state=JobState.RUNNING)
    ids = list(done.order_by("-pk").values_list("pk", flat=True)[:limit])  # the inner ones first
    for batch_id in ids:
        roll_up(batch_id)
    return len(ids)


def cancel_children(job: Job, *, if_asked: bool = False) -> None:
    """Cancel the jobs that `job` has made, and see at once whether that was its end.

    With `if_asked` only if somebody wants `job` itself cancelled.
    """
    parents = Job.objects.filter(pk=job.pk).exclude(carrier=RunBy.BODY)
    if (parents.exclude(cancel_requested_at=None) if if_asked else parents).exists():
        cancel_descendants(job)
        roll_up(job.pk)


def end_cancelled(job: Job, **fields: Any) -> bool:
    """`cancel_running`, and `cancel_rest`: both or neither."""
    with transaction.atomic():
        held = lease.cancel_running(job, **fields)
        if held:
            cancel_children(job)
    return held


def end_failed(job: Job, **fields: Any) -> bool:
    """`fail`, and `cancel_rest` if the job was to be cancelled: both or neither."""
    with transaction.atomic():
        held = lease.fail(job, **fields)
        if held:
            cancel_children(job, if_asked=True)
    return held

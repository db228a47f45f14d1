"""Roll-up: computes the progress and the state of a batch from its child jobs.

The bus calls `roll_up` for batches whose child jobs have changed, a few times a second at most,
however many have changed. Maintenance calls it for processes that died before they did.

No change is missed, in whatever order transactions commit:

1. A child job ends, and that is committed.
2. A second transaction updates the batch's row. It waits for every other transaction that does.
3. Its next statement counts the child jobs, and so counts all that ended before step 2.

PostgreSQL must use the isolation level "read committed", Django's default. With "repeatable read"
step 3 would count the rows as they were at the start of the transaction.
"""

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
    """Update a running batch from its child jobs, and end it if all have ended.

    It does nothing for a job that is no running batch.
    """
    with transaction.atomic():
        batches = Job.objects.batches().filter(pk=batch_id, state=JobState.RUNNING)
        if not batches.update(tick=F("tick") + 1):  # This must be first, because it locks the row.
            return
        batch = batches.annotate(now=Now()).get()
        if batch.cancel_requested_at:
            cancel_descendants(batch)  # those created after the request
        totals = totals_of(batch_id)
        if totals.ended == totals.total:
            _end(batch, totals)
        else:
            _save_progress(batch, totals)


def _save_progress(batch: Job, totals: Totals) -> None:
    fraction = (totals.ended + totals.started) / totals.total
    fields = {
        "fraction": min(1.0, max(batch.fraction or 0.0, fraction)),
        "message": totals.message(),
        **_counts(batch, totals),
    }
    if any(getattr(batch, name) != value for name, value in fields.items()):
        Job.objects.filter(pk=batch.pk).update(**fields | estimates(batch, fields, totals.total))
        notify_changed(batch.pk)


def _end(batch: Job, totals: Totals) -> None:
    state = totals.end_state(cancel_requested=batch.cancel_requested_at is not None)
    failed = totals.by_state.get(JobState.FAILED, 0)
    error = f"{failed:,} of {totals.total:,} failed." if state == JobState.FAILED else ""
    transitions.end_batch(
        batch.pk,
        state,
        text=error or state.label,
        error=error,
        error_code=FAILED if error else "",
        fraction=batch.fraction if state == JobState.CANCELLED else 1.0,
        message="",
        **_counts(batch, totals),
    )


def _counts(batch: Job, totals: Totals) -> dict[str, Any]:
    # A body that fanned out may have counted outcomes of its own items.
    of_body = {outcome: n for outcome, n in batch.counts.items() if outcome not in OUTCOMES}
    return {
        "done": totals.ended,
        "total": totals.total,
        "unit": UNIT,
        "counts": of_body | totals.counts(),
    }


def batches_to_roll_up(jobs: Iterable[Job]) -> set[UUID]:
    """The ids of the batches to roll up after these jobs have changed.

    Each roll-up increments `tick`. A batch with tick 0 is new or reopened, so it is included too.
    """
    ids = set()
    for job in jobs:
        if job.parent_id:
            ids.add(job.parent_id)
        if job.carrier == RunBy.CHILDREN and job.tick == 0 and not job.is_finished:
            ids.add(job.pk)
    return ids


def roll_up_ended(limit: int) -> int:
    """Roll up the running batches whose child jobs have all ended; returns how many there were."""
    unfinished = Job.objects.unfinished().filter(parent_id=OuterRef("pk"))
    ended = Job.objects.batches().filter(~Exists(unfinished), state=JobState.RUNNING)
    ids = list(ended.order_by("-pk").values_list("pk", flat=True)[:limit])  # inner batches first
    for batch_id in ids:
        roll_up(batch_id)
    return len(ids)


def cancel_children(job: Job, *, only_if_requested: bool = False) -> None:
    """Cancel the descendants of `job` and roll it up, because that may end it.

    With `only_if_requested` it does so only if `job` has a cancel request.
    """
    parents = Job.objects.filter(pk=job.pk).exclude(carrier=RunBy.BODY)
    if only_if_requested:
        parents = parents.exclude(cancel_requested_at=None)
    if parents.exists():
        cancel_descendants(job)
        roll_up(job.pk)


def end_cancelled(job: Job, **fields: Any) -> bool:
    """Cancel a running job (`lease.cancel_running`) and its descendants, in one transaction."""
    with transaction.atomic():
        is_ended = lease.cancel_running(job, **fields)
        if is_ended:
            cancel_children(job)
    return is_ended


def end_failed(job: Job, **fields: Any) -> bool:
    """Fail a running job (`lease.fail`). If it has a cancel request, cancel its descendants too."""
    with transaction.atomic():
        is_ended = lease.fail(job, **fields)
        if is_ended:
            cancel_children(job, only_if_requested=True)
    return is_ended

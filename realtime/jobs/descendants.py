"""Descendants: cancels or re-queues all descendants of a job, in chunks; reopens its ancestors.

Called by the actions of people and by batches. Rows are locked in the order of their ids, and a
job before its children, so that two processes cannot wait for each other.
"""

from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from realtime.jobs import transitions
from realtime.jobs.reuse import QUEUED_AGAIN
from realtime.jobs.transitions import BLANK
from realtime.models import Job, JobEvent, JobItem
from realtime.signals import notify_changed, request_publish
from realtime.states import FINISHED, EventKind, JobState, RunBy

CHUNK_SIZE: Final = 500
"""Rows that one statement writes at most."""


def cancel_descendants(job: Job) -> None:
    """Cancel the descendants of `job` that wait, and request the cancel of those that run."""
    with transaction.atomic():
        children = Job.objects.filter(parent_id=job.pk)
        waiting = _lock(children.waiting())
        parents = list(children.unfinished().exclude(carrier=RunBy.BODY))
        _change_states(
            waiting, JobState.CANCELLED, text="Cancelled", finished_at=Now(), due_at=None
        )
        running = children.filter(state=JobState.RUNNING, cancel_requested_at=None)
        running.update_in_order(cancel_requested_at=Now())
        for parent in parents:
            cancel_descendants(parent)


def run_children_again(batch: Job, *, every: bool = False) -> bool:
    """Reopen an ended batch and queue its failed and cancelled child jobs again.

    If no child job failed or was cancelled, all are queued again. With `every`, all descendants are
    queued again and their ledgers are deleted. Returns False if `batch` is no ended batch.
    """
    with transaction.atomic():
        if not transitions.reopen(batch.pk, text=QUEUED_AGAIN):
            return False
        queue_children_again(batch, every=every)
    return True


def queue_children_again(job: Job, *, every: bool) -> None:
    """The part of `run_children_again` that does not reopen `job`: its body may run again too."""
    ended = Job.objects.filter(parent=job, state__in=FINISHED)
    unsuccessful = ended.exclude(state=JobState.SUCCEEDED)
    children = ended if every or not unsuccessful.exists() else unsuccessful
    for batch in children.batches():
        run_children_again(batch, every=every)
    parents = list(children.filter(carrier=RunBy.BODY_THEN_CHILDREN)) if every else []
    ids = _lock(children.exclude(carrier=RunBy.CHILDREN))
    _reset_retries(ids)
    ledger: dict[str, Any] = {"counts": {}, "failed": 0, "recent": []} if every else {}
    _change_states(ids, JobState.QUEUED, text=QUEUED_AGAIN, queued_at=Now(), **BLANK | ledger)
    request_publish(*ids)
    if every:
        JobItem.objects.filter(job__parent=job, job__state=JobState.QUEUED).delete()
    for parent in parents:
        queue_children_again(parent, every=True)


def reopen_ancestors(job: Job) -> None:
    """Reopen the ended batches above `job`, the outermost first."""
    ids = []
    parent = job.parent
    while parent:
        ids.append(parent.pk)
        parent = parent.parent
    for batch_id in reversed(ids):
        transitions.reopen(batch_id, text=QUEUED_AGAIN)


def _lock(jobs: QuerySet[Job]) -> list[UUID]:
    """Lock the rows of these jobs until the end of the transaction, and return their ids.

    SQLite has no row locks: there the transaction has locked the whole database.
    """
    rows = jobs.order_by("pk").select_for_update(no_key=True)
    return list(rows.values_list("pk", flat=True))


def _change_states(ids: list[UUID], state: JobState, *, text: str, **fields: Any) -> None:
    """`change_state` for many jobs at once, whose rows are locked.

    It notifies of the first `CHUNK_SIZE` jobs only. Viewers of the others get the change with the
    hub's next periodic read.
    """
    for start in range(0, len(ids), CHUNK_SIZE):
        chunk = Job.objects.filter(pk__in=ids[start : start + CHUNK_SIZE])
        chunk.update(state=state, revision=F("revision") + 1, tick=0, **fields)
    add_events(ids, state, text)
    notify_changed(*ids[:CHUNK_SIZE])


def add_events(ids: list[UUID], state: JobState, text: str) -> None:
    """Add an event with this text to the timeline of each job."""
    JobEvent.objects.bulk_create(
        [JobEvent(job_id=job_id, kind=EventKind.STATE, state=state, text=text) for job_id in ids],
        batch_size=CHUNK_SIZE,
    )


def _reset_retries(ids: list[UUID]) -> None:
    """Delete the retry number from the options of these jobs."""
    retried = [
        job
        for start in range(0, len(ids), CHUNK_SIZE)
        for job in Job.objects.filter(pk__in=ids[start : start + CHUNK_SIZE]).only("options")
        if job.options.pop("retries", None) is not None
    ]
    Job.objects.bulk_update(retried, ["options"], batch_size=CHUNK_SIZE)

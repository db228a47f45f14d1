"""What is done to a job is done to the jobs that it has made, and to theirs: many rows at once.

Rows are locked in the order of their ids, a job's own before those of the jobs that it has made,
so that no two processes wait for each other.
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
"""Rows that one statement writes."""


def cancel_descendants(job: Job) -> None:
    """End those of a job's own jobs that wait, and ask those that run to end; theirs too."""
    with transaction.atomic():
        parts = Job.objects.filter(parent_id=job.pk)
        waiting = _locked(parts.waiting())
        parents = list(parts.unfinished().exclude(carrier=RunBy.BODY))
        _move(waiting, JobState.CANCELLED, text="Cancelled", finished_at=Now(), due_at=None)
        running = parts.filter(state=JobState.RUNNING, cancel_requested_at=None)
        running.update_in_order(cancel_requested_at=Now())
        for part in parents:
            cancel_descendants(part)


def run_children_again(batch: Job, *, every: bool = False) -> bool:
    """Go on with an ended batch: its failed and cancelled jobs once more, or every one anew.

    A batch of which none has failed or was cancelled runs every one, with what it has in its
    ledger; only with `every` the ledgers are emptied.
    """
    with transaction.atomic():
        if not transitions.reopen(batch.pk, text=QUEUED_AGAIN):
            return False
        queue_children_again(batch, every=every)
    return True


def queue_children_again(job: Job, *, every: bool) -> None:
    """What `run_parts_again` does to the parts, also to those of a job whose body is run again."""
    ended = Job.objects.filter(parent=job, state__in=FINISHED)
    unlucky = ended.exclude(state=JobState.SUCCEEDED)
    parts = ended if every or not unlucky.exists() else unlucky
    for part in parts.batches():
        run_children_again(part, every=every)
    parents = list(parts.filter(carrier=RunBy.BODY_THEN_CHILDREN)) if every else []
    ids = _locked(parts.exclude(carrier=RunBy.CHILDREN))
    _forget_retries(ids)
    ledger: dict[str, Any] = {"counts": {}, "failed": 0, "recent": []} if every else {}
    _move(ids, JobState.QUEUED, text=QUEUED_AGAIN, queued_at=Now(), **BLANK | ledger)
    request_publish(*ids)
    if every:
        JobItem.objects.filter(job__parent=job, job__state=JobState.QUEUED).delete()
    for part in parents:
        queue_children_again(part, every=True)


def reopen_ancestors(job: Job) -> None:
    """Let the ended batches that `job` is a part of go on, the outermost first."""
    above = []
    parent = job.parent
    while parent:
        above.append(parent.pk)
        parent = parent.parent
    for batch_id in reversed(above):
        transitions.reopen(batch_id, text=QUEUED_AGAIN)


def _locked(jobs: QuerySet[Job]) -> list[UUID]:
    """The ids of these jobs, whose rows nobody changes before the transaction's end.

    Where rows cannot be locked, on SQLite, the transaction holds the whole database.
    """
    rows = jobs.order_by("pk").select_for_update(no_key=True)
    return list(rows.values_list("pk", flat=True))


def _move(ids: list[UUID], state: JobState, *, text: str, **fields: Any) -> None:
    """What a verb does to one job, for many at once that are locked.

    Of very many only some are announced; who watches another one is told by the hub's repair.
    """
    for start in range(0, len(ids), CHUNK_SIZE):
        some = Job.objects.filter(pk__in=ids[start : start + CHUNK_SIZE])
        some.update(state=state, revision=F("revision") + 1, tick=0, **fields)
    add_events(ids, state, text)
    notify_changed(*ids[:CHUNK_SIZE])


def add_events(ids: list[UUID], state: JobState, text: str) -> None:
    JobEvent.objects.bulk_create(
        [JobEvent(job_id=job_id, kind=EventKind.STATE, state=state, text=text) for job_id in ids],
        batch_size=CHUNK_SIZE,
    )


def _forget_retries(ids: list[UUID]) -> None:
    retried = [
        job
        for start in range(0, len(ids), CHUNK_SIZE)
        for job in Job.objects.filter(pk__in=ids[start : start + CHUNK_SIZE]).only("options")
        if job.options.pop("retries", None) is not None
    ]
    Job.objects.bulk_update(retried, ["options"], batch_size=CHUNK_SIZE)

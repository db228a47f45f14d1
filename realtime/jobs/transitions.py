"""Transitions: changes of a job's state that need no lease.

Called by the actions of people, by maintenance and by batches. Each function is one conditional
UPDATE (see `state_change`). If the job is in none of the states that the change starts from, the
function returns False and changes nothing. Changes that need the lease are in `lease`.
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import Case, F, Value, When
from django.db.models.functions import Now

from realtime.jobs.state_change import change_state
from realtime.models import Job
from realtime.states import FINISHED, WAITING, JobState, RunBy

BLANK: Final[dict[str, Any]] = {
    "published_at": None,
    "due_at": None,
    "expires_at": None,
    "started_at": None,
    "finished_at": None,
    "cancel_requested_at": None,
    "losses": 0,
    "result": None,
    "file": None,
    "error_code": "",
    "error": "",
    "traceback": "",
    "phase": "",
    "phases": [],
    "fraction": None,
    "done": 0,
    "total": None,
    "rate": None,
    "eta": None,
    "message": "",
}
"""The values of the fields that are reset when a job is run again."""

SET_BY_BODY: Final = frozenset({"published_at", "result", "file", "phases"})
"""The fields of `BLANK` that a reopened batch keeps: its body set them and does not run again."""


def add_child(job: Job) -> bool:
    """Prepare an unfinished job for one more child job; False if it has ended.

    A claimed job must still have its lease. The UPDATE locks the row, so the job cannot end before
    the transaction does. The state does not change.
    """
    unfinished = Job.objects.unfinished().filter(pk=job.pk)
    rows = Job.objects.leased(job) if job.is_claimed else unfinished
    has_children = When(carrier=RunBy.BODY, then=Value(RunBy.BODY_THEN_CHILDREN))
    return bool(rows.update(carrier=Case(has_children, default=F("carrier"))))


def end_batch(job_id: UUID, state: JobState, *, text: str, **fields: Any) -> bool:
    """End a running batch, because its last child job has ended."""
    return change_state(
        Job.objects.batches().filter(pk=job_id, state=JobState.RUNNING),
        job_id,
        state,
        text=text,
        finished_at=Now(),
        **fields,
    )


def reopen(job_id: UUID, *, text: str) -> bool:
    """Set an ended batch to running, because some of its child jobs are run again."""
    blank = {name: value for name, value in BLANK.items() if name not in SET_BY_BODY}
    return change_state(
        Job.objects.batches().filter(pk=job_id, state__in=FINISHED),
        job_id,
        JobState.RUNNING,
        text=text,
        **blank | {"started_at": Now()},
    )


def lose(job: Job, *, silence: timedelta) -> bool:
    """Mark a running job as lost if its last heartbeat is older than `silence`."""
    return change_state(
        Job.objects.leased(job).filter(heartbeat_at__lt=Now() - Value(silence)),
        job.pk,
        JobState.LOST,
        text=f"{job.worker} fell silent",
        losses=F("losses") + 1,
    )


def rescue(job_id: UUID) -> bool:
    """Queue a lost job again."""
    return change_state(
        Job.objects.filter(pk=job_id, state=JobState.LOST, losses__lt=F("max_attempts")),
        job_id,
        JobState.QUEUED,
        text="Queued again",
        queued=True,
        published_at=None,
        due_at=None,
    )


def give_up(job_id: UUID, *, code: str, error: str) -> bool:
    """Fail a lost job that has lost `max_attempts` workers."""
    return change_state(
        Job.objects.filter(pk=job_id, state=JobState.LOST, losses__gte=F("max_attempts")),
        job_id,
        JobState.FAILED,
        text=error,
        error_code=code,
        error=error,
        finished_at=Now(),
    )


def request_cancel(job_id: UUID) -> bool:
    """Request the cancel of a running job. The worker's bus reads the request within a second.

    The state does not change: the job runs until its body has ended.
    """
    running = Job.objects.filter(pk=job_id, state=JobState.RUNNING, cancel_requested_at=None)
    return bool(running.update(cancel_requested_at=Now()))


def cancel_waiting(job_id: UUID, *, text: str = "Cancelled") -> bool:
    """Cancel a job that no worker runs."""
    return change_state(
        Job.objects.filter(pk=job_id, state__in=WAITING),
        job_id,
        JobState.CANCELLED,
        text=text,
        finished_at=Now(),
        due_at=None,
    )


def refuse(job_id: UUID, *, code: str, error: str) -> bool:
    """Fail a waiting job that can never run, because it has expired or cannot be published."""
    return change_state(
        Job.objects.filter(pk=job_id, state__in=WAITING),
        job_id,
        JobState.FAILED,
        text=error,
        error_code=code,
        error=error,
        finished_at=Now(),
        due_at=None,
    )


def run_again(job_id: UUID, *, options: dict[str, Any], phases: Iterable[str], text: str) -> bool:
    """Queue a finished job once more. It keeps its ledger, its timeline and its attempt number."""
    return change_state(
        Job.objects.filter(pk=job_id, state__in=FINISHED).exclude(carrier=RunBy.CHILDREN),
        job_id,
        JobState.QUEUED,
        text=text,
        queued=True,
        options=options,
        queued_at=Now(),
        **BLANK | {"phases": [[name, "waiting"] for name in phases]},
    )

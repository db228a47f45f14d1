"""The lease of a job: changes that only the worker with the lease may make.

`claim` takes the lease. The other functions get the claimed `job` and write only while its
attempt has the lease. Otherwise they return False and change nothing.

`attempt` is the fencing token. Every claim increments it, so the writes of a worker that was
marked as lost and comes back later match no row.
"""

from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db.models import F, Q, Value
from django.db.models.functions import Coalesce, Now

from realtime.jobs.prepared import Placeholder, PreparedUpdate
from realtime.jobs.state_change import change_state
from realtime.models import Job
from realtime.signals import notify_changed
from realtime.states import CLAIMABLE, FINISHED, JobState, RunBy

CLOCK_DIFFERENCE: Final = timedelta(seconds=1)
"""A retry may be claimed this long before its `due_at`, because clocks of machines differ."""

HANDED_OVER: Final[dict[str, Any]] = {
    "carrier": RunBy.CHILDREN,
    "worker": "",
    "heartbeat_at": None,
    "fraction": None,
    "done": 0,
    "total": None,
    "rate": None,
    "eta": None,
    "message": "",
}
"""The fields that change when the body has ended and the child jobs have not."""

_IS_DUE: Final = (Q(due_at=None) | Q(due_at__lte=Now() + Value(CLOCK_DIFFERENCE))) & (
    Q(expires_at=None) | Q(expires_at__gt=Now())
)
_IS_LEASED: Final = Q(id=Placeholder("id"), state=JobState.RUNNING, attempt=Placeholder("attempt"))
_CHANGED: Final[dict[str, Any]] = {"revision": F("revision") + 1, "tick": 0}
_ENDED: Final[dict[str, Any]] = _CHANGED | {"finished_at": Now(), "due_at": None}

_CLAIM: Final = PreparedUpdate(
    Job,
    Q(_IS_DUE, id=Placeholder("id"), state__in=sorted(CLAIMABLE)),
    state=JobState.RUNNING,
    attempt=F("attempt") + 1,
    started_at=Coalesce(F("started_at"), Now()),
    heartbeat_at=Now(),
    due_at=None,
    expires_at=None,
    message="",
    error="",
    error_code="",
    **_CHANGED,
)
_FINISH: Final = PreparedUpdate(Job, _IS_LEASED & Q(carrier=RunBy.BODY), **_ENDED)
_END: Final = PreparedUpdate(Job, _IS_LEASED & ~Q(carrier=RunBy.CHILDREN), **_ENDED)


def claim(job_id: UUID, *, worker: str) -> Job | None:
    """Take the lease of a waiting job for `worker`; None if the job cannot be claimed."""
    job = _CLAIM.fetch({"id": job_id}, text=f"Started on {worker}", worker=worker)
    if job:
        job.is_claimed = True
        notify_changed(job_id)
        _ = job.owner  # Snapshots need the owner, on the event loop, where no query can be made.
    return job


def finish(job: Job, *, result: Any, note: str = "", **progress: Any) -> bool:
    """End the job: its body returned `result`. `progress` are the last progress fields.

    `note` is a sentence for the timeline.

    A job with child jobs becomes a batch instead, and ends when they have ended (`hand_over`).
    """
    return _end(
        _FINISH, job, JobState.SUCCEEDED, text=_with_note("Done", note), result=result, **progress
    ) or hand_over(job, result=result, note=note, **progress)


def hand_over(job: Job, *, result: Any, note: str = "", **progress: Any) -> bool:
    """Turn the job into a batch: its body returned `result`, its child jobs have not ended.

    The progress bar starts again and counts the child jobs.
    """
    return change_state(
        Job.objects.leased(job).filter(carrier=RunBy.BODY_THEN_CHILDREN),
        job.pk,
        JobState.RUNNING,
        text=_with_note("Waits for its jobs", note),
        **progress | HANDED_OVER | {"result": result},
    )


def fail(job: Job, *, code: str, error: str, traceback: str = "", **progress: Any) -> bool:
    """End the job: its body raised. Watchers see `error`, only operators see `traceback`."""
    return _end(
        _END,
        job,
        JobState.FAILED,
        text=error,
        error_code=code,
        error=error,
        traceback=traceback,
        **progress,
    )


def retry_later(
    job: Job, *, due_at: datetime, error: str, traceback: str = "", **progress: Any
) -> bool:
    """End this attempt, because it failed. The next one is due at `due_at`.

    Returns False for a job with a cancel request, which gets no further attempt.
    """
    return change_state(
        Job.objects.leased(job).filter(cancel_requested_at=None),
        job.pk,
        JobState.RETRYING,
        text=error,
        queued=True,
        due_at=due_at,
        published_at=None,
        error=error,
        traceback=traceback,
        **progress,
    )


def cancel_running(job: Job, *, text: str = "Cancelled", **progress: Any) -> bool:
    """End the job: its body has ended because of a cancel request."""
    return _end(_END, job, JobState.CANCELLED, text=text, **progress)


def attempt_has_ended(job: Job) -> bool:
    """Whether this attempt has ended already.

    Called after the connection was lost during the UPDATE: it may have been committed.
    """
    ended = Q(state__in={*FINISHED, JobState.RETRYING}) | Q(carrier=RunBy.CHILDREN)
    has_ended = Job.objects.filter(ended, pk=job.pk, attempt=job.attempt).exists()
    if has_ended:
        notify_changed(job.pk)
    return has_ended


def _end(
    update: PreparedUpdate[Job], job: Job, state: JobState, *, text: str, **fields: Any
) -> bool:
    slots = {"id": job.pk, "attempt": job.attempt}
    is_ended = update.execute(slots, text=text, state=state, **fields)
    if is_ended:
        notify_changed(job.pk)
    return is_ended


def _with_note(text: str, note: str) -> str:
    return f"{text}. {note}" if note else text

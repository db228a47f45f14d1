"""Totals: the child jobs of a batch, added up for its progress, state and estimate."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import Count, Sum
from django.db.models.functions import Coalesce

from realtime.models import Job
from realtime.progress.estimate import smoothed, time_left
from realtime.states import FINISHED, WAITING, JobState

STARTED: Final = (JobState.RUNNING, JobState.RETRYING, JobState.LOST)
OUTCOMES: Final = (JobState.SUCCEEDED.value, JobState.FAILED.value, JobState.CANCELLED.value)


@dataclass(frozen=True)
class Totals:
    """How many child jobs are in each state, and the progress of the unfinished ones."""

    by_state: Mapping[str, int]
    started: float
    """The sum of the fractions of the child jobs that have started and not ended."""

    @property
    def total(self) -> int:
        return sum(self.by_state.values())

    @property
    def ended(self) -> int:
        return sum(self.by_state.get(state, 0) for state in FINISHED)

    def end_state(self, *, cancel_requested: bool) -> JobState:
        """The final state of a batch whose child jobs have all ended."""
        cancelled = self.by_state.get(JobState.CANCELLED, 0)
        if cancelled and (cancel_requested or cancelled == self.total):
            return JobState.CANCELLED
        return JobState.FAILED if self.by_state.get(JobState.FAILED) else JobState.SUCCEEDED

    def counts(self) -> dict[str, int]:
        return {state: n for state in OUTCOMES if (n := self.by_state.get(state))}

    def message(self) -> str:
        running = self.by_state.get(JobState.RUNNING, 0)
        waiting = sum(self.by_state.get(state, 0) for state in WAITING)
        numbers = {"running": running, "waiting": waiting}
        return ", ".join(f"{n:,} {word}" for word, n in numbers.items() if n)


def totals_of(batch_id: UUID) -> Totals:
    jobs = Job.objects.filter(parent_id=batch_id).order_by()
    by_state = dict(jobs.values_list("state").annotate(number=Count("*")))  # reads an index only
    started = jobs.filter(state__in=STARTED).aggregate(sum=Coalesce(Sum("fraction"), 0.0))
    return Totals(by_state, started["sum"])


def estimates(batch: Job, fields: Mapping[str, Any], total: int) -> dict[str, Any]:
    """The rate and ETA, from the change of the fraction since the last roll-up.

    The first roll-up gives none. Child jobs that had ended before it, as in a batch that is run
    again, do not count: they took no time in this run.
    """
    at: datetime = batch.now  # type: ignore[attr-defined]  # annotated: the database's time
    if batch.fraction is None or batch.estimated_at is None or batch.started_at is None:
        return {"estimated_at": at, "rate": None, "eta": None}
    elapsed = (at - batch.estimated_at).total_seconds()
    if elapsed <= 0:
        return {}
    since = max(elapsed, (at - batch.started_at).total_seconds())
    fraction: float = fields["fraction"]
    speed = smoothed(
        None if batch.rate is None else batch.rate / total,
        moved=fraction - batch.fraction,
        elapsed=elapsed,
        since=elapsed if batch.rate is None else since,
    )
    return {
        "estimated_at": at,
        "rate": speed * total if speed else None,
        "eta": time_left(fraction, speed, since=since),
    }

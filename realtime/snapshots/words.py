"""Words: the texts that describe a snapshot.

Templates render a page with these functions. static/realtime/shared/words.js then updates the
texts in the browser: it has the same functions, so that no text changes when the script starts.
"""

from collections.abc import Callable
from typing import Final

from django.utils import timezone

from realtime.snapshots.formats import about, duration, eta, number, ordinal, plural, rate
from realtime.snapshots.schema import Snapshot
from realtime.states import FINISHED, ItemState, JobState


def state_label(state: str) -> str:
    return str(JobState(state).label)


def item_label(state: str) -> str:
    return str(ItemState(state).label)


def sentence(snapshot: Snapshot, now: float | None = None) -> str:
    """The sentence under the bar: what the job is doing, or how it ended."""
    at = timezone.now().timestamp() if now is None else now
    state = JobState(snapshot.state)
    reason = "" if state in FINISHED else snapshot.reason
    return " ".join(filter(None, [_SENTENCES[state](snapshot, at), reason]))


def amount(snapshot: Snapshot) -> str:
    """`31 of 60 photos`, `31 photos`, `no photos`, or nothing yet."""
    done, total, unit = snapshot.done, snapshot.total, snapshot.unit
    if total == 0:
        return f"no {plural(0, unit)}" if unit else ""
    if total is None:
        return f"{number(done)} {plural(done, unit)}".strip() if done else ""
    return f"{number(done)} of {number(total)} {plural(total, unit)}".strip()


def pace(snapshot: Snapshot) -> str:
    """`8.2 photos/s · about 4 s left`; empty if the job is not running."""
    if snapshot.state != JobState.RUNNING:
        return ""
    speed = rate(snapshot.rate, snapshot.unit) if snapshot.rate else ""
    left = "" if snapshot.eta is None else eta(snapshot.eta)
    return " · ".join(filter(None, [speed, left]))


def row_detail(snapshot: Snapshot, now: float | None = None) -> str:
    """The text beside the bar in a row of a list: the time left, or why the job waits or ended."""
    if snapshot.state == JobState.RUNNING:
        return "" if snapshot.eta is None else eta(snapshot.eta)
    if snapshot.state == JobState.QUEUED:
        return _queue_position(snapshot).rstrip(".")
    if snapshot.state == JobState.RETRYING:
        at = timezone.now().timestamp() if now is None else now
        return _retrying(snapshot, at).rstrip(".")
    return _took(snapshot, word="took").strip()


def can_run_again(snapshot: Snapshot, *, resumes: bool) -> bool:
    """Whether to offer it: the job failed, was cancelled, or has failed items to retry."""
    if snapshot.state == JobState.SUCCEEDED:
        return resumes and snapshot.failed > 0
    return snapshot.state in FINISHED


def run_again_label(snapshot: Snapshot, *, resumes: bool) -> str:
    """The text of the button."""
    if not resumes:
        return "Run again"
    return "Do the rest" if snapshot.state == JobState.CANCELLED else "Retry what failed"


def attempt(snapshot: Snapshot) -> str:
    return f"Attempt {snapshot.attempt}" if snapshot.attempt > 1 else ""


def outcome_counts(snapshot: Snapshot) -> dict[str, int]:
    """The counts, then the other whole numbers of the result; without zeros."""
    result = snapshot.result if isinstance(snapshot.result, dict) else {}
    numbers = {str(name): value for name, value in result.items() if type(value) is int}
    others = {name: value for name, value in numbers.items() if name not in snapshot.counts}
    counts = snapshot.counts | others
    return {name.replace("_", " "): value for name, value in counts.items() if value}


def _queued(snapshot: Snapshot, now: float) -> str:
    wait = snapshot.expected_wait
    return _queue_position(snapshot) + ("" if wait is None else f" Starts in {about(wait)}.")


def _queue_position(snapshot: Snapshot) -> str:
    place = snapshot.place
    if place is None:
        return "Waiting its turn."
    return "Next in line." if place == 1 else f"{ordinal(place)} in line."


def _running(snapshot: Snapshot, now: float) -> str:
    return _with_full_stop(snapshot.message or snapshot.phase or "Working")


def _retrying(snapshot: Snapshot, now: float) -> str:
    wait = 0.0 if snapshot.retry_at is None else snapshot.retry_at - now
    return f"Next try in {duration(wait)}." if wait >= 1 else "Next try in a moment."


def _lost(snapshot: Snapshot, now: float) -> str:
    return "The worker went silent. The job is being taken over."


def _succeeded(snapshot: Snapshot, now: float) -> str:
    return f"{_with_full_stop(snapshot.message)} Finished{_took(snapshot, word='in')}.".strip()


def _failed(snapshot: Snapshot, now: float) -> str:
    attempts = f" and {snapshot.attempt} attempts" if snapshot.attempt > 1 else ""
    return f"Gave up{_took(snapshot)}{attempts}."


def _cancelled(snapshot: Snapshot, now: float) -> str:
    return f"Cancelled{_took(snapshot)}. What was done until then is kept."


def _with_full_stop(text: str) -> str:
    return text if text.endswith((".", "!", "?", "…")) or not text else f"{text}."


def _took(snapshot: Snapshot, *, word: str = "after") -> str:
    if snapshot.started_at is None or snapshot.finished_at is None:
        return ""
    seconds = snapshot.finished_at - snapshot.started_at
    return f" {word} {duration(seconds) if seconds >= 1 else 'under 1 s'}"


_SENTENCES: Final[dict[JobState, Callable[[Snapshot, float], str]]] = {
    JobState.QUEUED: _queued,
    JobState.RUNNING: _running,
    JobState.RETRYING: _retrying,
    JobState.LOST: _lost,
    JobState.SUCCEEDED: _succeeded,
    JobState.FAILED: _failed,
    JobState.CANCELLED: _cancelled,
}

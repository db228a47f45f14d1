"""Reuse: finds child jobs that an earlier attempt of their parent already created.

The body of a task that fans out may run again: after its worker was lost, as a retry, or because a
user runs it again. `enqueue` and `enqueue_batch` then return the existing child job of an equal
call instead of a second one. Of several equal calls each gets another child job, the oldest first.
"""

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from decimal import Decimal
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

from realtime.models import Job
from realtime.states import JobState

QUEUED_AGAIN: Final = "Queued again"
UNSUCCESSFUL: Final = frozenset({JobState.FAILED, JobState.CANCELLED})
CALL_FIELDS: Final = ("task", "title", "args", "kwargs")
"""Two calls are equal if these fields of their jobs are."""


def find_reusable(job: Job) -> Job | None:
    """The child of `job.parent` that an equal call created, or None. `job` itself is not saved.

    This is only for the parent object that the worker has claimed (`self.progress.job`). Any other
    caller always creates a new child job.
    """
    parent = job.parent
    if parent is None or not parent.is_claimed or parent.attempt < 2:
        return None
    if parent.reusable_children is None:
        parent.reusable_children = _children_by_call(parent)
    ids = parent.reusable_children[_call_key(job)]
    return Job.objects.filter(pk=ids.popleft()).first() if ids else None


def should_rerun(job: Job) -> bool:
    """Whether a reused child job runs again.

    It does if it had failed or was cancelled before a user ran its parent again. A rescue or retry
    of the parent does not change `queued_at`, so then the child job stays as it is.
    """
    parent = job.parent
    if parent is None or job.finished_at is None:
        return False
    return job.state in UNSUCCESSFUL and job.finished_at <= parent.queued_at


def _children_by_call(parent: Job) -> "defaultdict[str, deque[UUID]]":
    ids: defaultdict[str, deque[UUID]] = defaultdict(deque)
    children = Job.objects.filter(parent=parent).order_by("pk")
    for child in children.only(*CALL_FIELDS, "calls_hash"):
        ids[_call_key(child)].append(child.pk)
    return ids


def _call_key(job: Job) -> str:
    """A text that is equal for equal calls."""
    values = [_as_stored(getattr(job, name)) for name in CALL_FIELDS]
    # None instead of "", so that hashes stay equal to those that are stored already.
    return json.dumps([*values, job.calls_hash or None], sort_keys=True)


def _as_stored(plain: Any) -> Any:
    """JSON as any database returns it: PostgreSQL returns 1e16 as an integer."""
    if isinstance(plain, float) and plain.is_integer():
        return int(Decimal(repr(plain)))
    if isinstance(plain, list):
        return [_as_stored(item) for item in plain]
    if isinstance(plain, dict):
        return {name: _as_stored(item) for name, item in plain.items()}
    return plain


def hash_calls(jobs: Iterable[Job]) -> str:
    """A hash that is equal for equal calls in the same order."""
    return sha256("\n".join(map(_call_key, jobs)).encode()).hexdigest()

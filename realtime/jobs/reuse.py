"""What a body has made in an earlier attempt, and need not make again.

A task that fans out is run again when its worker was lost, when it is retried, or by hand after it
has failed. What it then asks for is given the job that it made for that the last time: of equal
calls the first that is left.
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
UNLUCKY: Final = frozenset({JobState.FAILED, JobState.CANCELLED})
ASKED: Final = ("task", "title", "args", "kwargs")
"""What two parts have in common that stand for one another."""


def find_reusable(job: Job) -> Job | None:
    """The part of `job.parent` that stands for `job`, which is not saved; None if it is new.

    Only for the very parent that a worker has claimed, `self.progress.job`: whoever else adds a
    part wants one more.
    """
    body = job.parent
    if body is None or not body.is_claimed or body.attempt < 2:
        return None
    if body.reusable_children is None:
        body.reusable_children = _parts(body)
    left = body.reusable_children[_asked(job)]
    return Job.objects.filter(pk=left.popleft()).first() if left else None


def should_rerun(job: Job) -> bool:
    """Whether a part, made before, is to run once more.

    If it had come to nothing when somebody asked for its parent's run again; a rescue and a retry,
    which leave `queued_at`, leave it as it is.
    """
    body = job.parent
    if body is None or job.finished_at is None:
        return False
    return job.state in UNLUCKY and job.finished_at <= body.queued_at


def _parts(body: Job) -> "defaultdict[str, deque[UUID]]":
    found: defaultdict[str, deque[UUID]] = defaultdict(deque)
    for part in Job.objects.filter(parent=body).order_by("pk").only(*ASKED, "calls_hash"):
        found[_asked(part)].append(part.pk)
    return found


def _asked(job: Job) -> str:
    asked = [_as_kept(getattr(job, name)) for name in ASKED]
    # None rather than "": so the hashes of batches stay equal to those already stored.
    return json.dumps([*asked, job.calls_hash or None], sort_keys=True)


def _as_kept(plain: Any) -> Any:
    """JSON as it comes back from any database: PostgreSQL makes 1e16 an integer."""
    if isinstance(plain, float) and plain.is_integer():
        return int(Decimal(repr(plain)))
    if isinstance(plain, list):
        return [_as_kept(each) for each in plain]
    if isinstance(plain, dict):
        return {name: _as_kept(each) for name, each in plain.items()}
    return plain


def hash_calls(jobs: Iterable[Job]) -> str:
    """The same for the same calls in the same order."""
    return sha256("\n".join(map(_asked, jobs)).encode()).hexdigest()

"""What a body has made in an earlier attempt, and need not make again.

A task that fans out is run again when its worker was lost, when it is retried, or by hand after it
has failed. What it then asks for is given the job that it made for that the last time: of equal
calls the first that is left.
"""

import json
from collections import defaultdict, deque
from collections.abc import Iterable
from hashlib import sha256
from typing import Final
from uuid import UUID

from realtime.models import Job
from realtime.states import JobState

AGAIN: Final = "Queued again"
UNLUCKY: Final = frozenset({JobState.FAILED, JobState.CANCELLED})
ASKED: Final = ("task", "title", "args", "kwargs")
"""What two parts have in common that stand for one another."""
CALLS: Final = "calls"
"""Where a batch, in its options, has the fingerprint of what it was made of."""


def made_before(job: Job) -> Job | None:
    """The part of `job.parent` that stands for `job`, which is not saved; None if it is new.

    Only for the very parent that a worker has claimed, `self.progress.job`: whoever else adds a
    part wants one more.
    """
    body = job.parent
    if body is None or not body.is_claimed or body.attempt < 2:
        return None
    if body.made_before is None:
        body.made_before = _parts(body)
    left = body.made_before[_asked(job)]
    return Job.objects.filter(pk=left.popleft()).first() if left else None


def wants_again(job: Job) -> bool:
    """Whether a part, made before, is to run once more.

    If it came to nothing, and somebody has asked for its parent's run again; a rescue and a retry
    leave it as it is.
    """
    body = job.parent
    by_hand = body is not None and not body.losses and not body.options.get("retries")
    return by_hand and job.state in UNLUCKY


def _parts(body: Job) -> "defaultdict[str, deque[UUID]]":
    found: defaultdict[str, deque[UUID]] = defaultdict(deque)
    for part in Job.objects.filter(parent=body).order_by("pk").only(*ASKED, "options"):
        found[_asked(part)].append(part.pk)
    return found


def _asked(job: Job) -> str:
    asked = [getattr(job, name) for name in ASKED]
    return json.dumps([*asked, job.options.get(CALLS)], sort_keys=True)


def fingerprint(jobs: Iterable[Job]) -> str:
    """The same for the same calls in the same order."""
    return sha256("\n".join(map(_asked, jobs)).encode()).hexdigest()

"""What is forgotten, and when: finished jobs by age and by number, and what else only grows.

A job goes with all that belongs to it: its ledger, its timeline, its file, and the jobs that it
made, and theirs. Such a family goes as a whole: it stays as long as one of it has not ended, or
has ended late enough to be kept.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from realtime.conf import conf
from realtime.files import storage
from realtime.models import Job, ScheduledRun, Worker
from realtime.states import FINISHED

log: Final = logging.getLogger(__name__)

CHUNK_SIZE: Final = 200
"""Jobs that one transaction deletes: others wait for it, on SQLite all who write."""
FAR_FUTURE: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """How many of each."""

    jobs: int
    turns: int
    workers: int
    folders: int


def delete_expired_rows() -> Deleted:
    """Delete what is older than `REALTIME_RETENTION_DAYS`, then the oldest surplus jobs."""
    before = timezone.now() - timedelta(days=conf.RETENTION_DAYS)
    jobs = delete_old(before=before) + delete_surplus(kept=conf.RETENTION_JOBS)
    turns, _ = ScheduledRun.objects.filter(taken_at__lt=before).delete()
    workers, _ = Worker.objects.filter(heartbeat_at__lt=before).delete()
    deleted = Deleted(jobs=jobs, turns=turns, workers=workers, folders=storage.delete_orphans())
    log.info("%s", deleted)
    return deleted


def delete_old(*, before: datetime) -> int:
    """Delete the families of jobs that had ended `before`; returns how many jobs that were."""
    return sum(_forget(roots, before=before) for roots in _roots(before=before))


def delete_surplus(*, kept: int) -> int:
    """Delete the oldest finished jobs until `kept` are left, or fewer: a family goes as a whole.

    Returns how many jobs that were.
    """
    surplus = Job.objects.filter(state__in=FINISHED).count() - kept
    gone = 0
    for roots in _roots(before=FAR_FUTURE) if surplus > 0 else ():
        while roots and gone < surplus:
            some = roots[: surplus - gone]
            roots = roots[len(some) :]
            gone += _forget(some, before=FAR_FUTURE)
        if gone >= surplus:
            break
    return gone


def _roots(*, before: datetime) -> Iterator[list[UUID]]:
    """The jobs that no other made and that had ended `before`, the longest ended first."""
    roots = Job.objects.filter(parent=None, state__in=FINISHED, finished_at__lt=before)
    page = roots = roots.order_by("finished_at", "pk")
    while found := list(page.values_list("finished_at", "pk")[:CHUNK_SIZE]):
        yield [pk for _, pk in found]
        at, last = found[-1]
        page = roots.filter(Q(finished_at__gt=at) | Q(finished_at=at, pk__gt=last))


def _forget(roots: list[UUID], *, before: datetime) -> int:
    made = Job.objects.filter(parent__in=roots).order_by()
    parents = set(made.values_list("parent_id", flat=True).distinct())
    gone = _delete([root for root in roots if root not in parents])
    for root in roots:
        if root in parents:
            gone += sum(_delete(some) for some in _chunks(_family(root, before=before)))
    return gone


def _family(root: UUID, *, before: datetime) -> list[UUID]:
    """`root` and all that came of it, children first; nobody if one of them is to stay."""
    family = generation = [root]
    while generation:
        children: list[UUID] = []
        for some in _chunks(generation):
            jobs = Job.objects.filter(parent__in=some)
            if jobs.exclude(state__in=FINISHED, finished_at__lt=before).exists():
                return []
            children += jobs.order_by("pk").values_list("pk", flat=True)
        family, generation = [*family, *children], children
    return family[::-1]


def _delete(ids: Sequence[UUID]) -> int:
    """Those of these jobs that nobody has run again meanwhile; returns how many."""
    unfinished = Job.objects.unfinished()
    with transaction.atomic():
        free = Job.objects.filter(
            ~Exists(unfinished.filter(pk=OuterRef("parent"))),
            ~Exists(unfinished.filter(parent=OuterRef("pk"))),
            pk__in=ids,
            state__in=FINISHED,
        )
        locked = list(free.order_by("pk").select_for_update().values_list("pk", flat=True))
        _, deleted = Job.objects.filter(pk__in=locked).delete()
    return deleted.get(Job._meta.label, 0)


def _chunks(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[start : start + CHUNK_SIZE] for start in range(0, len(ids), CHUNK_SIZE))

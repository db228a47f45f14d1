"""Prune: deletes finished jobs by age and by number, and old schedule turns and workers.

The task `realtime.prune` calls it. A job is deleted with its ledger, timeline, file and
descendants. A job without a parent and its descendants are called a family here. A family is
deleted as a whole, so it stays while one of its jobs is unfinished or ended too recently.
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
"""Jobs that one transaction deletes at most. On SQLite all other writers wait for it."""
FAR_FUTURE: Final = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, kw_only=True)
class Deleted:
    """How many rows and folders were deleted."""

    jobs: int
    turns: int
    workers: int
    folders: int


def delete_expired_rows() -> Deleted:
    """Delete rows older than `REALTIME_RETENTION_DAYS`, then the oldest surplus jobs."""
    before = timezone.now() - timedelta(days=conf.RETENTION_DAYS)
    jobs = delete_old(before=before) + delete_surplus(max_jobs=conf.RETENTION_JOBS)
    turns, _ = ScheduledRun.objects.filter(taken_at__lt=before).delete()
    workers, _ = Worker.objects.filter(heartbeat_at__lt=before).delete()
    deleted = Deleted(jobs=jobs, turns=turns, workers=workers, folders=storage.delete_orphans())
    log.info("%s", deleted)
    return deleted


def delete_old(*, before: datetime) -> int:
    """Delete the families that ended before this time; returns the number of jobs."""
    return sum(_delete_families(roots, before=before) for roots in _roots(before=before))


def delete_surplus(*, max_jobs: int) -> int:
    """Delete the oldest families until at most `max_jobs` finished jobs are left.

    Returns the number of deleted jobs.
    """
    surplus = Job.objects.filter(state__in=FINISHED).count() - max_jobs
    deleted = 0
    for roots in _roots(before=FAR_FUTURE) if surplus > 0 else ():
        while roots and deleted < surplus:
            chunk = roots[: surplus - deleted]
            roots = roots[len(chunk) :]
            deleted += _delete_families(chunk, before=FAR_FUTURE)
        if deleted >= surplus:
            break
    return deleted


def _roots(*, before: datetime) -> Iterator[list[UUID]]:
    """The finished jobs without a parent that ended before this time, the oldest first."""
    roots = Job.objects.filter(parent=None, state__in=FINISHED, finished_at__lt=before)
    page = roots = roots.order_by("finished_at", "pk")
    while rows := list(page.values_list("finished_at", "pk")[:CHUNK_SIZE]):
        yield [pk for _, pk in rows]
        at, last = rows[-1]
        page = roots.filter(Q(finished_at__gt=at) | Q(finished_at=at, pk__gt=last))


def _delete_families(roots: list[UUID], *, before: datetime) -> int:
    children = Job.objects.filter(parent__in=roots).order_by()
    parents = set(children.values_list("parent_id", flat=True).distinct())
    deleted = _delete([root for root in roots if root not in parents])
    for root in roots:
        if root in parents:
            deleted += sum(_delete(chunk) for chunk in _chunks(_family(root, before=before)))
    return deleted


def _family(root: UUID, *, before: datetime) -> list[UUID]:
    """`root` and its descendants, children first; an empty list if one of them has to stay."""
    family = generation = [root]
    while generation:
        children: list[UUID] = []
        for chunk in _chunks(generation):
            jobs = Job.objects.filter(parent__in=chunk)
            if jobs.exclude(state__in=FINISHED, finished_at__lt=before).exists():
                return []
            children += jobs.order_by("pk").values_list("pk", flat=True)
        family, generation = [*family, *children], children
    return family[::-1]


def _delete(ids: Sequence[UUID]) -> int:
    """Delete these jobs, except those that are run again by now; returns the number."""
    unfinished = Job.objects.unfinished()
    with transaction.atomic():
        deletable = Job.objects.filter(
            ~Exists(unfinished.filter(pk=OuterRef("parent"))),
            ~Exists(unfinished.filter(parent=OuterRef("pk"))),
            pk__in=ids,
            state__in=FINISHED,
        )
        locked = list(deletable.order_by("pk").select_for_update().values_list("pk", flat=True))
        _, deleted = Job.objects.filter(pk__in=locked).delete()
    return deleted.get(Job._meta.label, 0)


def _chunks(ids: Sequence[UUID]) -> Iterator[Sequence[UUID]]:
    return (ids[start : start + CHUNK_SIZE] for start in range(0, len(ids), CHUNK_SIZE))

"""Keyset pages: pages of a list of jobs, each named by the job at its end and not by a number.

However many jobs come in meanwhile, no page skips a job or shows one twice, and the thousandth
page costs as much as the first.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Q, QuerySet, Subquery

from realtime.models import Job


@dataclass(frozen=True)
class KeysetOrder:
    fields: tuple[str, ...]
    preceding: Callable[[UUID], Q]
    """The jobs that are before the job of this id in the list."""
    following: Callable[[UUID], Q]

    @property
    def reversed_fields(self) -> tuple[str, ...]:
        return tuple(
            field.removeprefix("-") if field.startswith("-") else f"-{field}"
            for field in self.fields
        )


@dataclass(frozen=True, kw_only=True)
class KeysetPage:
    jobs: list[Job]
    has_previous: bool
    has_next: bool


def keyset_page(
    jobs: QuerySet[Job],
    order: KeysetOrder,
    *,
    size: int,
    after: UUID | None = None,
    before: UUID | None = None,
) -> KeysetPage:
    """The jobs that follow the job `after`, or precede `before`; without both the first ones."""
    if before:
        rows = _load(jobs.filter(order.preceding(before)), order.reversed_fields, size)
        return KeysetPage(jobs=rows[:size][::-1], has_previous=len(rows) > size, has_next=True)
    matching = jobs.filter(order.following(after)) if after else jobs
    rows = _load(matching, order.fields, size)
    return KeysetPage(jobs=rows[:size], has_previous=bool(after), has_next=len(rows) > size)


def parse_job_id(text: str) -> UUID | None:
    """The job that an address names the page by; None for an empty text.

    Raises:
        ValueError: the text is not a UUID.
    """
    return UUID(text) if text else None


def _load(jobs: QuerySet[Job], fields: tuple[str, ...], size: int) -> list[Job]:
    """A page of jobs, and one more if there is one."""
    # The database sorts the ids alone, not whole rows.
    ids = jobs.order_by(*fields).values("pk")[: size + 1]
    return list(Job.objects.filter(pk__in=ids).select_related("owner").order_by(*fields))


def _older(job_id: UUID) -> Q:
    queued_at = _queued_at(job_id)
    # Without OR at the top, so that the database can use an index.
    return Q(queued_at__lte=queued_at) & (Q(queued_at__lt=queued_at) | Q(pk__lt=job_id))


def _newer(job_id: UUID) -> Q:
    queued_at = _queued_at(job_id)
    return Q(queued_at__gte=queued_at) & (Q(queued_at__gt=queued_at) | Q(pk__gt=job_id))


def _queued_at(job_id: UUID) -> Subquery:
    # The database reads this time itself: SQLite compares times as text, and it has written this
    # one with milliseconds, where Python writes microseconds.
    return Subquery(Job.objects.filter(pk=job_id).values("queued_at"))


BY_ID: Final = KeysetOrder(
    ("pk",),
    preceding=lambda job_id: Q(pk__lt=job_id),
    following=lambda job_id: Q(pk__gt=job_id),
)
NEWEST_FIRST: Final = KeysetOrder(("-queued_at", "-pk"), preceding=_newer, following=_older)

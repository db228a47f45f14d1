"""The operators' list of jobs: what the address asks for, and the page of jobs that it means."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet, Subquery
from django.http import QueryDict

from realtime.models import Job
from realtime.snapshots.queue_position import load_queue_positions
from realtime.states import WAITING, Carrier, JobState

PAGE_SIZE: Final = 50
"""As many rows as the page keeps when new jobs come in: MOST_ROWS of ops-rows.js."""

TASK_MAX: Final = 255
ANY_WAITING: Final = "waiting"
"""Stands for all the states of jobs that the operators' numbers count as waiting."""
STATES: Final = (ANY_WAITING, *JobState.values)
SINGLE: Final = "single"
"""Jobs that workers run: those that the operators' numbers count."""
BATCH: Final = "batch"
KINDS: Final = (SINGLE, BATCH)


class BadQuery(ValueError):
    """The address asks for what there cannot be; the text says so to people."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """At most one of `before` and `after` is set: the job that ends the page next to this one."""

    state: str = ""
    task: str = ""
    kind: str = ""
    before: UUID | None = None
    after: UUID | None = None

    @property
    def address(self) -> str:
        """The query string that `parse` makes this of."""
        values = {
            "state": self.state,
            "task": self.task,
            "kind": self.kind,
            "before": self.before,
            "after": self.after,
        }
        return f"?{urlencode({name: value for name, value in values.items() if value})}"

    @property
    def filter(self) -> str:
        """The query string of the filter alone, wherever in the list this is; may be empty."""
        alone = replace(self, before=None, after=None).address
        return "" if alone == "?" else alone


@dataclass(frozen=True, kw_only=True)
class Page:
    jobs: list[Job]
    newer: Query | None = None
    older: Query | None = None


def parse(given: QueryDict) -> Query:
    """Raises `BadQuery`."""
    state, task, kind = (given.get(name, "") for name in ("state", "task", "kind"))
    if state and state not in STATES:
        raise BadQuery(f"There is no state “{state[:50]}”. The states are {', '.join(STATES)}.")
    if len(task) > TASK_MAX or not task.isprintable():
        raise BadQuery("There cannot be a task of that name.")
    if kind and kind not in KINDS:
        raise BadQuery(f"There is no kind “{kind[:50]}”. The kinds are {', '.join(KINDS)}.")
    before, after = _job_id(given.get("before", "")), _job_id(given.get("after", ""))
    if before and after:
        raise BadQuery("A page comes before a job or after one, not both.")
    return Query(state=state, task=task, kind=kind, before=before, after=after)


def find(query: Query) -> Page:
    """The page of jobs, newest first.

    A page is named by the job at its end, not by a number: however many jobs come in meanwhile,
    none is skipped or shown twice, and the thousandth page costs what the first does.
    """
    if query.after:
        return _after(query, query.after)
    jobs = _matching(query)
    if query.before:
        jobs = jobs.filter(_older_than(query.before))
    found = _first(jobs, "-queued_at", "-pk")
    return _page(query, found[:PAGE_SIZE], newer=bool(query.before), older=len(found) > PAGE_SIZE)


def _after(query: Query, job_id: UUID) -> Page:
    newer = _matching(query).filter(_newer_than(job_id))
    found = _first(newer, "queued_at", "pk")
    if len(found) <= PAGE_SIZE:  # The newest page: it is live, so it has to be a whole one.
        return find(replace(query, after=None))
    return _page(query, found[PAGE_SIZE - 1 :: -1], newer=True, older=True)


def _page(query: Query, jobs: list[Job], *, newer: bool, older: bool) -> Page:
    start = replace(query, before=None, after=None)
    if not jobs:
        return Page(jobs=[], newer=start if newer else None)
    return Page(
        jobs=jobs,
        newer=replace(start, after=jobs[0].pk) if newer else None,
        older=replace(start, before=jobs[-1].pk) if older else None,
    )


def _matching(query: Query) -> QuerySet[Job]:
    jobs = Job.objects.all()
    if query.state:
        states = WAITING if query.state == ANY_WAITING else {query.state}
        jobs = jobs.filter(state__in=states)
    if query.kind:
        batches = Q(carrier=Carrier.CHILDREN)
        jobs = jobs.filter(batches if query.kind == BATCH else ~batches)
    return jobs.filter(task=query.task) if query.task else jobs


def _first(jobs: QuerySet[Job], *order: str) -> list[Job]:
    """A page of jobs, and one more if there is one."""
    rows = list(jobs.select_related("owner").order_by(*order)[: PAGE_SIZE + 1])
    load_queue_positions(rows)
    return rows


def _older_than(job_id: UUID) -> Q:
    queued_at = _queued_at(job_id)
    # Not with OR at the top: an index serves this one.
    return Q(queued_at__lte=queued_at) & (Q(queued_at__lt=queued_at) | Q(pk__lt=job_id))


def _newer_than(job_id: UUID) -> Q:
    queued_at = _queued_at(job_id)
    return Q(queued_at__gte=queued_at) & (Q(queued_at__gt=queued_at) | Q(pk__gt=job_id))


def _queued_at(job_id: UUID) -> Subquery:
    # Not fetched and sent back: SQLite compares times as text, and has written this one itself,
    # with milliseconds where Python writes microseconds.
    return Subquery(Job.objects.filter(pk=job_id).values("queued_at"))


def _job_id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise BadQuery("That page of the list does not exist.") from None

"""Listing: parses the query of the operators' list of jobs, and finds its page of jobs."""

from dataclasses import dataclass, replace
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import QueryDict

from realtime.models import Job
from realtime.pages.keyset import NEWEST_FIRST, keyset_page, parse_job_id
from realtime.snapshots.queue_position import load_queue_positions
from realtime.states import WAITING, JobState, RunBy

PAGE_SIZE: Final = 50
"""The page also keeps this number of rows when new jobs come in: MAX_ROWS of ops-rows.js."""

TASK_MAX: Final = 255
ANY_WAITING: Final = "waiting"
"""Stands for all states that the operators' numbers count as waiting."""
STATES: Final = (ANY_WAITING, *JobState.values)
SINGLE: Final = "single"
"""Jobs that workers run. The operators' numbers count these."""
BATCH: Final = "batch"
KINDS: Final = (SINGLE, BATCH)


class BadQuery(ValueError):
    """The address of the list is not valid; the text says why, for the operator."""


@dataclass(frozen=True, kw_only=True)
class Query:
    """The filter of the list, and the page of it.

    The page has the jobs older than the job `before`, or newer than `after`; at most one is set.
    """

    state: str = ""
    task: str = ""
    kind: str = ""
    before: UUID | None = None
    after: UUID | None = None

    @property
    def address(self) -> str:
        """The query string for which `parse` returns this query."""
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
        """The query string of the filter without the page; may be empty."""
        alone = replace(self, before=None, after=None).address
        return "" if alone == "?" else alone


@dataclass(frozen=True, kw_only=True)
class Page:
    jobs: list[Job]
    newer: Query | None = None
    older: Query | None = None


def parse(given: QueryDict) -> Query:
    """The query that the address asks for.

    Raises:
        BadQuery: a value is not valid.
    """
    state, task, kind = (given.get(name, "") for name in ("state", "task", "kind"))
    if state and state not in STATES:
        raise BadQuery(f"There is no state “{state[:50]}”. The states are {', '.join(STATES)}.")
    if len(task) > TASK_MAX or not task.isprintable():
        raise BadQuery("There is no task with that name: it is too long or not printable.")
    if kind and kind not in KINDS:
        raise BadQuery(f"There is no kind “{kind[:50]}”. The kinds are {', '.join(KINDS)}.")
    before, after = _job_id(given, "before"), _job_id(given, "after")
    if before and after:
        raise BadQuery("The address has both “before” and “after”. Remove one of them.")
    return Query(state=state, task=task, kind=kind, before=before, after=after)


def find(query: Query) -> Page:
    """The page of jobs, newest first."""
    page = keyset_page(
        _matching(query), NEWEST_FIRST, size=PAGE_SIZE, after=query.before, before=query.after
    )
    if query.after and not page.has_previous:
        # The newest page is live, so it must be a full one.
        return find(replace(query, after=None))
    load_queue_positions(page.jobs)
    start = replace(query, before=None, after=None)
    if not page.jobs:
        return Page(jobs=[], newer=start if page.has_previous else None)
    return Page(
        jobs=page.jobs,
        newer=replace(start, after=page.jobs[0].pk) if page.has_previous else None,
        older=replace(start, before=page.jobs[-1].pk) if page.has_next else None,
    )


def _matching(query: Query) -> QuerySet[Job]:
    jobs = Job.objects.all()
    if query.state:
        states = WAITING if query.state == ANY_WAITING else {query.state}
        jobs = jobs.filter(state__in=states)
    if query.kind:
        batches = Q(carrier=RunBy.CHILDREN)
        jobs = jobs.filter(batches if query.kind == BATCH else ~batches)
    return jobs.filter(task=query.task) if query.task else jobs


def _job_id(given: QueryDict, name: str) -> UUID | None:
    try:
        return parse_job_id(given.get(name, ""))
    except ValueError:
        raise BadQuery(f"“{name}” in the address must be the id of a job. Remove it.") from None

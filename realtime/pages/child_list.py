"""Child list: the child jobs of a job as its page lists them, by state and page by page."""

import re
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count
from django.http import Http404, QueryDict
from django.urls import reverse

from realtime.access import Viewer
from realtime.models import Job
from realtime.pages.keyset import BY_ID, keyset_page, parse_job_id
from realtime.snapshots.build import public
from realtime.snapshots.queue_position import load_queue_positions
from realtime.snapshots.schema import Snapshot
from realtime.states import JobState, RunBy

PAGE_SIZE: Final = 20
STATE, AFTER, BEFORE = "parts", "parts_after", "parts_before"
"""Parameters in the address of the page."""
NUMBERED: Final = re.compile(r"nth-([1-9][0-9]{0,8})", re.ASCII)
"""Names a child job by its number in the list, for viewers who may not know its id."""


@dataclass(frozen=True, kw_only=True)
class Row:
    snapshot: Snapshot
    url: str
    """Empty where the viewer may not watch the job; the page then shows only its state."""


@dataclass(frozen=True, kw_only=True)
class Tab:
    label: str
    number: int
    address: str
    is_here: bool


@dataclass(frozen=True, kw_only=True)
class ChildList:
    tabs: list[Tab]
    rows: list[Row]
    earlier: str = ""
    later: str = ""


def child_list(job: Job, given: QueryDict, *, viewer: Viewer, route: str) -> ChildList | None:
    """The page of the child jobs that the address asks for; None if the job has no children.

    `route` is the name of the URL of one child job.

    Raises:
        Http404: the address names a state or a page that cannot exist.
    """
    if job.carrier == RunBy.BODY:
        return None
    key, state = given.get("key", ""), given.get(STATE, "")
    if state and state not in JobState.values:
        raise Http404("No such state.")
    page = keyset_page(
        Job.objects.filter(parent=job, **{"state": state} if state else {}),
        BY_ID,
        size=PAGE_SIZE,
        after=_job_id(job, given, AFTER),
        before=_job_id(job, given, BEFORE),
    )
    load_queue_positions(page.jobs)
    rows = [_row(child, viewer=viewer, key=key, route=route) for child in page.jobs]
    has_earlier, has_later = rows and page.has_previous, rows and page.has_next
    return ChildList(
        tabs=_tabs(job, given, state),
        rows=rows,
        earlier=_address(given, state, **{BEFORE: _name(job, rows[0])}) if has_earlier else "",
        later=_address(given, state, **{AFTER: _name(job, rows[-1])}) if has_later else "",
    )


def _row(job: Job, *, viewer: Viewer, key: str, route: str) -> Row:
    url = reverse(route, args=[job.pk])
    if not viewer.may_watch(job, key=key):
        return Row(snapshot=public(job), url="")
    return Row(snapshot=public(job), url=f"{url}?{_encoded(key=key)}" if key else url)


def _tabs(job: Job, given: QueryDict, here: str) -> list[Tab]:
    states = Job.objects.filter(parent=job).order_by().values_list("state")
    numbers: dict[str, int] = dict(states.annotate(number=Count("*")))
    shown = [("", "All", sum(numbers.values()))] + [
        (state.value, str(state.label), numbers.get(state.value, 0))
        for state in JobState
        if state.value in {*numbers, here}
    ]
    return [
        Tab(label=label, number=number, address=_address(given, state), is_here=state == here)
        for state, label, number in shown
    ]


def _address(given: QueryDict, state: str, **place: str) -> str:
    others = {name: value for name, value in given.items() if name not in (STATE, AFTER, BEFORE)}
    return f"?{_encoded(**others, **{STATE: state} if state else {}, **place)}#jobs"


def _encoded(**values: object) -> str:
    query = QueryDict(mutable=True)
    query.update({name: str(value) for name, value in values.items()})
    return query.urlencode()


def _name(job: Job, row: Row) -> str:
    """What names this child job in the addresses of the pages before and after it."""
    if row.url:
        return str(row.snapshot.id)
    return f"nth-{Job.objects.filter(parent=job, pk__lte=row.snapshot.id).count()}"


def _job_id(job: Job, given: QueryDict, parameter: str) -> UUID | None:
    name = given.get(parameter, "")
    if number := NUMBERED.fullmatch(name):
        return _nth_child(job, int(number[1]))
    try:
        return parse_job_id(name)
    except ValueError:
        raise Http404("No such page of the list.") from None


def _nth_child(job: Job, number: int) -> UUID:
    ids = Job.objects.filter(parent=job).order_by("pk").values_list("pk", flat=True)
    for child_id in ids[number - 1 : number]:
        return child_id
    raise Http404("No such page of the list.")

"""The list of a batch's jobs, as its page shows it: by state, and page by page."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db.models import Count
from django.http import Http404, QueryDict
from django.urls import reverse

from realtime.access import Viewer
from realtime.models import Job
from realtime.snapshots.build import load_for_snapshots, public
from realtime.snapshots.schema import Snapshot
from realtime.states import JobState, RunBy

PAGE_SIZE: Final = 20
MORE: Final = PAGE_SIZE + 1
"""Jobs that are asked for, to know whether there are others."""
STATE, AFTER, BEFORE = "parts", "parts_after", "parts_before"
"""Names in the address of the page."""


@dataclass(frozen=True, kw_only=True)
class Row:
    snapshot: Snapshot
    url: str
    """Empty where the viewer may not watch the job itself; nothing is told of it but its state."""


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
    """The page of the jobs of `job` that the address asks for; None if it has made none.

    `route` is the view that shows one of them. A page is named by the job before or after it, so
    that it costs as much far into a batch as at its beginning.

    Raises:
        Http404: the address asks for what there cannot be.
    """
    if job.carrier == RunBy.BODY:
        return None
    key, state = given.get("key", ""), given.get(STATE, "")
    if state and state not in JobState.values:
        raise Http404("No such state.")
    after, before = _job_id(given.get(AFTER, "")), _job_id(given.get(BEFORE, ""))
    ids = Job.objects.filter(parent=job, **{"state": state} if state else {})
    if before:
        found = list(ids.filter(pk__lt=before).order_by("-pk").values_list("pk", flat=True)[:MORE])
        page, has_earlier, has_later = found[PAGE_SIZE - 1 :: -1], len(found) == MORE, True
    else:
        rest = ids.filter(pk__gt=after) if after else ids
        found = list(rest.order_by("pk").values_list("pk", flat=True)[:MORE])
        page, has_earlier, has_later = found[:PAGE_SIZE], bool(after), len(found) == MORE
    return ChildList(
        tabs=_tabs(job, given, state),
        rows=[_row(each, viewer=viewer, key=key, route=route) for each in _loaded(page)],
        earlier=_address(given, state, **{BEFORE: page[0]}) if page and has_earlier else "",
        later=_address(given, state, **{AFTER: page[-1]}) if page and has_later else "",
    )


def _loaded(ids: list[UUID]) -> list[Job]:
    return sorted(load_for_snapshots(ids), key=lambda job: job.pk)


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


def _address(given: QueryDict, state: str, **place: UUID) -> str:
    wanted = {name: value for name, value in given.items() if name not in (STATE, AFTER, BEFORE)}
    return f"?{_encoded(**wanted, **{STATE: state} if state else {}, **place)}#jobs"


def _encoded(**values: object) -> str:
    query = QueryDict(mutable=True)
    query.update({name: str(value) for name, value in values.items()})
    return query.urlencode()


def _job_id(text: str) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        raise Http404("No such page of the list.") from None

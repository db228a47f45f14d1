"""Views of the dashboard: the overview, and the page of one job."""

from http import HTTPStatus
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from realtime import actions
from realtime.dashboard.guard import for_operators
from realtime.dashboard.listing import ANY_WAITING, BATCH, SINGLE, BadQuery, Query, find, parse
from realtime.dashboard.redaction import shown_args, shown_kwargs
from realtime.models import Job, JobEvent
from realtime.pages.child_list import child_list
from realtime.pages.views import job_or_404
from realtime.snapshots.build import operator, reason
from realtime.snapshots.overview import overview_numbers
from realtime.states import JobState

ROWS_MAX: Final = 500
"""How many events and how many items a job's page shows: the newest."""


@require_safe
@for_operators
def overview(request: HttpRequest) -> HttpResponse:
    try:
        query, status = parse(request.GET), HTTPStatus.OK
    except BadQuery as error:
        messages.error(request, str(error))
        query, status = Query(), HTTPStatus.BAD_REQUEST
    page = find(query)
    context = {
        "numbers": overview_numbers(),
        "jobs": [operator(job) for job in page.jobs],
        "states": [(ANY_WAITING, "Waiting in any way"), *JobState.choices],
        "tasks": _tasks(query.task),
        "kinds": [(SINGLE, "Single jobs"), (BATCH, "Batches")],
        "filter": {"state": query.state, "task": query.task, "kind": query.kind},
        "filter_query": query.filter,
        "older": _address(page.older),
        "newer": _address(page.newer),
    }
    return render(request, "realtime/dashboard/overview.html", context, status=status)


@require_safe
@for_operators
def job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    job, viewer = job_or_404(request, job_id)
    context = {
        "job": job,
        "snapshot": operator(job),
        "key": "",
        "overview": _overview_url(request),
        "next": request.get_full_path(),
        "may_act": viewer.may_act_on(job),
        "resumes": actions.resumes(job),
        "events": _timeline(job),
        "items": job.items.order_by("-updated_at", "-pk")[:ROWS_MAX],
        "args": shown_args(job),
        "kwargs": shown_kwargs(job),
        "reason": reason(job),
        "children": child_list(job, request.GET, viewer=viewer, route="dashboard:job"),
    }
    return render(request, "realtime/dashboard/job.html", context)


def _overview_url(request: HttpRequest) -> str:
    """The list with the filter from which the operator came; the address of this page has it."""
    try:
        return _address(parse(request.GET))
    except BadQuery as error:
        raise Http404(str(error)) from error


def _tasks(selected: str) -> list[str]:
    """The tasks that have jobs, and the selected one, which may have none."""
    known = Job.objects.order_by("task").values_list("task", flat=True).distinct()
    return sorted({*known, selected} - {""})


def _address(query: Query | None) -> str:
    return reverse("dashboard:overview") + query.address.rstrip("?") if query else ""


def _timeline(job: Job) -> list[JobEvent]:
    newest_first = job.events.select_related("actor").order_by("-pk")
    return list(newest_first[:ROWS_MAX])[::-1]

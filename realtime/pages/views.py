"""Views of one job: its page, JSON, event stream and file, and the actions of its owner."""

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from http import HTTPStatus
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.exceptions import PermissionDenied
from django.core.handlers.asgi import ASGIRequest
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from realtime import actions
from realtime.access import Viewer, job_url, keep_private
from realtime.files import download
from realtime.live.client_address import client_address
from realtime.live.event_stream import Stream, event_id
from realtime.live.event_stream import events as lines_of
from realtime.live.watcher import CloseConnection
from realtime.models import Job
from realtime.pages.child_list import child_list
from realtime.serialization import clean_text
from realtime.snapshots.build import load_for_snapshots, operator, public
from realtime.snapshots.schema import encode

REFRESH: Final = 3
"""Without JavaScript, the page of an unfinished job reloads after this number of seconds."""
REASON_MAX: Final = 500
"""The most characters of the reason that a user gives for an action."""


@require_safe
async def job(request: HttpRequest, job_id: UUID) -> HttpResponse:
    return await sync_to_async(_page)(request, job_id)


def _page(request: HttpRequest, job_id: UUID) -> HttpResponse:
    key = request.GET.get("key", "")
    job, viewer = job_or_404(request, job_id, key=key)
    context = {
        "job": job,
        "snapshot": public(job),
        "key": key,
        "is_operator": viewer.is_operator,
        "may_act": viewer.may_act_on(job),
        "resumes": actions.resumes(job),
        "parent": _visible_parent(job, viewer, key),
        "children": child_list(job, request.GET, viewer=viewer, route="realtime:job"),
        "refresh": None if job.is_finished else REFRESH,
    }
    return keep_private(render(request, "realtime/job.html", context))


def _visible_parent(job: Job, viewer: Viewer, key: str) -> Job | None:
    """The parent of the job, if the viewer may watch that."""
    return job.parent if job.parent and viewer.may_watch(job.parent, key=key) else None


@require_safe
async def snapshot(request: HttpRequest, job_id: UUID) -> HttpResponse:
    """The job's snapshot as JSON, for clients that poll."""
    job, viewer = await ajob_or_404(request, job_id)
    content = encode(operator(job) if viewer.is_operator else public(job))
    return keep_private(HttpResponse(content, content_type="application/json"))


@require_safe
async def events(request: ASGIRequest, job_id: UUID) -> HttpResponseBase:
    """The job's snapshots as Server-Sent Events; 204 if the client has the last one."""
    job, viewer = await ajob_or_404(request, job_id)
    last = request.headers.get("Last-Event-ID", "")
    if job.is_finished and last == event_id(public(job)):
        return keep_private(HttpResponse(status=204))
    if request.method == "HEAD":
        return keep_private(_event_stream(_lines()))
    stream = Stream(viewer, session_key=request.session.session_key or "")
    key, address = request.GET.get("key", ""), client_address(request.scope)
    lines = lines_of(job, stream, key=key, address=address, last_event_id=last)
    try:
        first = await anext(lines)
    except CloseConnection as error:
        return keep_private(HttpResponse(str(error), status=429, content_type="text/plain"))
    return keep_private(_event_stream(_chain(first, lines)))


def _event_stream(lines: AsyncIterator[str]) -> StreamingHttpResponse:
    response = StreamingHttpResponse(lines, content_type="text/event-stream")
    response["X-Accel-Buffering"] = "no"
    return response


async def _lines(*lines: str) -> AsyncIterator[str]:
    for line in lines:
        yield line


async def _chain(first: str, rest: AsyncGenerator[str, None]) -> AsyncGenerator[str, None]:
    async with aclosing(rest):
        yield first
        async for line in rest:
            yield line


@require_safe
async def file(request: HttpRequest, job_id: UUID) -> HttpResponseBase:
    return await sync_to_async(_file)(request, job_id)


def _file(request: HttpRequest, job_id: UUID) -> HttpResponseBase:
    job, _ = job_or_404(request, job_id, key=request.GET.get("key", ""))
    return keep_private(download.download(job, is_head=request.method == "HEAD"))


@require_POST
async def cancel(request: HttpRequest, job_id: UUID) -> HttpResponse:
    return await sync_to_async(_act)(request, job_id, actions.cancel)


@require_POST
async def retry(request: HttpRequest, job_id: UUID) -> HttpResponse:
    return await sync_to_async(_act)(request, job_id, actions.run_again)


def _act(request: HttpRequest, job_id: UUID, action: Callable[..., bool]) -> HttpResponse:
    """Do `action` and redirect to the job: its page shows the state also if it came too late.

    Raises:
        PermissionDenied: the user may watch the job, but not change it.
    """
    key = request.GET.get("key", "")
    job, viewer = job_or_404(request, job_id, key=key)
    if not viewer.may_act_on(job):
        raise PermissionDenied
    reason = clean_text(request.POST.get("reason", ""), REASON_MAX)
    action(job, actor=request.user, reason=reason)
    url = job_url(job.pk) + (f"?{urlencode({'key': key})}" if key else "")
    answer = HttpResponseRedirect(_next(request) or url, status=HTTPStatus.SEE_OTHER)
    return keep_private(answer)


def _next(request: HttpRequest) -> str:
    """The page of this site to which the form of the action wants to return; may be empty."""
    url, host = request.POST.get("next", ""), request.get_host()
    is_safe = url_has_allowed_host_and_scheme(url, {host}, require_https=request.is_secure())
    return url if is_safe and url.isprintable() else ""


def job_or_404(request: HttpRequest, job_id: UUID, *, key: str = "") -> tuple[Job, Viewer]:
    """The job, if the request's user may watch it.

    Raises:
        Http404: the job does not exist, or the user may not watch it; the response is the same.
    """
    viewer = Viewer.of(request.user)
    for job in load_for_snapshots([job_id]):
        if viewer.may_watch(job, key=key):
            return job, viewer
    raise Http404("No such job.")


async def ajob_or_404(request: HttpRequest, job_id: UUID) -> tuple[Job, Viewer]:
    key = request.GET.get("key", "")
    return await sync_to_async(job_or_404)(request, job_id, key=key)

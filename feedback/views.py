import asyncio
from http import HTTPStatus
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from feedback import decoys
from feedback.forms import FeedbackForm
from feedback.submit import submit_feedback
from realtime.access import is_valid_watch_key, job_url, keep_private


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
async def contact(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return await _page(request, FeedbackForm(auto_id="contact-%s"))
    form = FeedbackForm(request.POST, auto_id="contact-%s")
    if not form.is_valid():
        return await _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return HttpResponseRedirect(await _submit(request, form), status=HTTPStatus.SEE_OTHER)


@require_safe
async def decoy(request: HttpRequest, job_id: UUID) -> HttpResponse:
    key = request.GET.get("key", "")
    if not is_valid_watch_key(key, job_id):
        raise Http404("There is no such job.")
    context = decoys.context(job_id, key=key)
    return keep_private(await sync_to_async(render)(request, "realtime/job.html", context))


async def _submit(request: HttpRequest, form: FeedbackForm) -> str:
    """Save the feedback; return the URL of the page that shows the progress of its job.

    A form that is sent too early has to wait and is not refused: a person who pastes a message
    loses a moment, a robot that sends thousands of forms loses its speed.
    """
    user = await request.auser()
    owner = user if user.is_authenticated else None
    await asyncio.sleep(form.seconds_too_early)
    if form.is_from_robot:
        return decoys.url()
    job_id = await sync_to_async(submit_feedback)(form.submission(), owner=owner)
    return job_url(job_id, key=True)


async def _page(request: HttpRequest, form: FeedbackForm, *, status: int = 200) -> HttpResponse:
    # Not on the event loop: the page shows the name of the user, which needs a query.
    return await sync_to_async(render)(
        request, "feedback/contact.html", {"form": form}, status=status
    )

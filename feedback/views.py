import asyncio
from http import HTTPStatus
from uuid import UUID

from asgiref.sync import sync_to_async
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from feedback import decoys, submit
from feedback.forms import FeedbackForm
from realtime.access import job_url, opens
from realtime.views import sealed


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
async def contact(request: HttpRequest) -> HttpResponse:
    if request.method != "POST":
        return await _page(request, FeedbackForm(auto_id="contact-%s"))
    form = FeedbackForm(request.POST, auto_id="contact-%s")
    if not form.is_valid():
        return await _page(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    return HttpResponseRedirect(await _accept(request, form), status=HTTPStatus.SEE_OTHER)


@require_safe
async def decoy(request: HttpRequest, job_id: UUID) -> HttpResponse:
    key = request.GET.get("key", "")
    if not opens(key, job_id):
        raise Http404("No such job.")
    context = decoys.context(job_id, key=key)
    return sealed(await sync_to_async(render)(request, "realtime/job.html", context))


async def _accept(request: HttpRequest, form: FeedbackForm) -> str:
    """Take the feedback in; return the address of the page where its way can be watched.

    Whoever is quicker than a person is made to wait, not refused: people who paste a message
    they have ready lose a moment, robots that post thousands lose their speed.
    """
    user = await request.auser()
    owner = user if user.is_authenticated else None
    await asyncio.sleep(form.too_early)
    if form.is_trapped:
        return decoys.url()
    job_id = await sync_to_async(submit.submit_feedback)(form.submission(), owner=owner)
    return job_url(job_id, key=True)


async def _page(request: HttpRequest, form: FeedbackForm, *, status: int = 200) -> HttpResponse:
    # The page names who is signed in, which is a query.
    return await sync_to_async(render)(
        request, "feedback/contact.html", {"form": form}, status=status
    )

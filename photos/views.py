import asyncio
from http import HTTPStatus
from typing import Final

from asgiref.sync import sync_to_async
from django.contrib.auth.decorators import login_required
from django.contrib.auth.models import User
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from photos import import_requests, thumbnail_files
from photos.forms import ImportForm
from photos.models import Photo
from realtime.access import job_url

PER_PAGE: Final = 24
"""Flickr's terms allow 30 of its users' photos on a page."""

CACHE_FOR_EVER: Final = "public, max-age=31536000, immutable"


class SignedInRequest(HttpRequest):
    user: User


@require_safe
async def photo_list(request: HttpRequest) -> HttpResponse:
    return await sync_to_async(_gallery)(request)


def _gallery(request: HttpRequest) -> HttpResponse:
    number, updated_at = Photo.objects.summary()
    photos = Photo.objects.shown().newest_first().select_related("licence")
    paginator = Paginator(photos, PER_PAGE)
    paginator.count = number  # saves a query: counted above already
    page = paginator.get_page(request.GET.get("page"))
    context = {
        "page": page,
        "page_numbers": paginator.get_elided_page_range(page.number, on_each_side=2, on_ends=1),
        "number": number,
        "updated_at": updated_at,
        "job": import_requests.running(),
    }
    return render(request, "photos/photo_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
async def import_list(request: SignedInRequest) -> HttpResponse:
    return await sync_to_async(_imports)(request)


# Not on the async view: there the decorator would load the user a second time.
@login_required
def _imports(request: SignedInRequest) -> HttpResponse:
    form = ImportForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        job_id = import_requests.start(owner=request.user, **form.cleaned_data)
        return HttpResponseRedirect(job_url(job_id), status=HTTPStatus.SEE_OTHER)
    context = {
        "form": form,
        "own": import_requests.recent_imports_of(request.user),
        "public": import_requests.recent_public_imports(),
    }
    status = HTTPStatus.UNPROCESSABLE_ENTITY if form.is_bound else HTTPStatus.OK
    return render(request, "photos/imports.html", context, status=status)


@require_safe
async def thumbnail(request: HttpRequest, flickr_id: str, digest: str) -> HttpResponse:
    """The URL contains a digest of the content, so its response never changes."""
    try:
        content = await asyncio.to_thread(thumbnail_files.path_of(flickr_id, digest).read_bytes)
    except FileNotFoundError:
        raise Http404("There is no such thumbnail.") from None
    return HttpResponse(
        content, content_type="image/webp", headers={"Cache-Control": CACHE_FOR_EVER}
    )

"""Guard: lets only operators open a page of the dashboard."""

from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers

from realtime.access import is_operator

Page = Callable[..., HttpResponseBase]
View = Callable[..., Coroutine[Any, Any, HttpResponseBase]]


def for_operators(page: Page) -> View:
    """An async view of `page`, for operators only. Anonymous visitors have to log in first."""

    @wraps(page)
    async def view(request: HttpRequest, **kwargs: object) -> HttpResponseBase:
        response = await sync_to_async(_guarded)(page, request, **kwargs)
        add_never_cache_headers(response)
        return response

    return view


def _guarded(page: Page, request: HttpRequest, **kwargs: object) -> HttpResponseBase:
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    if not is_operator(request.user):
        raise PermissionDenied
    return page(request, **kwargs)

"""Private pages: middleware that keeps personal pages and links with a watch key out of caches.

A view that sets Cache-Control itself is left alone. This covers all other responses, also those
that no view makes: redirects to the address with a slash, and pages of errors.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import add_never_cache_headers, has_vary_header, patch_cache_control
from django.utils.decorators import sync_and_async_middleware

from realtime.access import keep_private

WITH_ORIGIN = "strict-origin"
"""Never tells the address with the key. With "no-referrer" Django would refuse the forms of the
page, because a browser sends them with the origin "null"."""


@sync_and_async_middleware
def private_pages(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    if iscoroutinefunction(get_response):

        async def async_middleware(request: HttpRequest) -> HttpResponseBase:
            pending: Awaitable[HttpResponseBase] = get_response(request)
            return _private(request, await pending)

        return async_middleware

    def middleware(request: HttpRequest) -> HttpResponseBase:
        return _private(request, get_response(request))

    return middleware


def _private(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    if "Cache-Control" in response:
        return response
    if "key" in request.GET:
        keep_private(response)
        response["Referrer-Policy"] = WITH_ORIGIN
    elif settings.SESSION_COOKIE_NAME in request.COOKIES:
        add_never_cache_headers(response)
    elif has_vary_header(response, "Cookie"):  # it has a token of this browser
        patch_cache_control(response, private=True, no_cache=True)
    return response

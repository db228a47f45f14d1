"""Refuses forms in any encoding but UTF-8, with one line in the log.

Django decodes a multipart form in whatever encoding its header names. "unicode_escape" then
produces lone surrogates, which no database stores. An urlencoded form in another encoding raises
an error each time that the form is read, also by the page that reports the error: the answer is
500, with tracebacks in the log.
"""

import codecs
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import BadRequest
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware

FORMS: Final = {"application/x-www-form-urlencoded", "multipart/form-data"}


class Request(ASGIRequest):
    """A request whose header may name an encoding with any characters: `charset*=utf-8''%00`."""

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        # As with an encoding that does not exist, Django then decodes the form as UTF-8.
        with suppress(ValueError):
            super()._set_content_type_params(meta)  # type: ignore[misc]  # not in the stubs


@sync_and_async_middleware
def utf8_forms_only(get_response: Callable[[HttpRequest], Any]) -> Callable[[HttpRequest], Any]:
    if iscoroutinefunction(get_response):

        async def async_middleware(request: HttpRequest) -> HttpResponseBase:
            _check_encoding(request)
            pending: Awaitable[HttpResponseBase] = get_response(request)
            return await pending

        return async_middleware

    def middleware(request: HttpRequest) -> HttpResponseBase:
        _check_encoding(request)
        response: HttpResponseBase = get_response(request)
        return response

    return middleware


def _check_encoding(request: HttpRequest) -> None:
    encoding = request.encoding
    if not encoding or request.content_type not in FORMS:
        return
    request.encoding = "utf-8"  # the page that reports an error reads the form too
    if codecs.lookup(encoding).name != "utf-8":
        raise BadRequest(f"The form is encoded in {encoding}: send it in UTF-8.")

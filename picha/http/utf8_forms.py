"""Middleware that refuses forms in any encoding but UTF-8.

Django decodes urlencoded forms as UTF-8, but a multipart form in whatever encoding its header
names. "unicode_escape" then produces lone surrogates, which no database stores.
"""

import codecs
from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware


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
    is_multipart = request.content_type == "multipart/form-data"
    if is_multipart and encoding and codecs.lookup(encoding).name != "utf-8":
        raise BadRequest(f"The form is encoded in {encoding}: send it in UTF-8.")

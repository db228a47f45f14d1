"""Forms are UTF-8.

Django sees to that where they are urlencoded; of a multipart form it believes whatever encoding
that names. "unicode_escape" brings lone surrogates, which no database takes.
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

        async def answer(request: HttpRequest) -> HttpResponseBase:
            _check(request)
            pending: Awaitable[HttpResponseBase] = get_response(request)
            return await pending

        return answer

    def answer_at_once(request: HttpRequest) -> HttpResponseBase:
        _check(request)
        response: HttpResponseBase = get_response(request)
        return response

    return answer_at_once


def _check(request: HttpRequest) -> None:
    encoding = request.encoding
    is_form = request.content_type == "multipart/form-data"
    if is_form and encoding and codecs.lookup(encoding).name != "utf-8":
        raise BadRequest("A form has to be encoded in UTF-8.")

"""Empty bodies: responses to HEAD, and with the status 204 or 304, end after their headers.

A body there would be read as the next response of the connection (RFC 9112, 6.3). Django leaves
this to the server, but daphne 4.2 sends all body messages of such a response except the first,
and uvicorn raises an error for a 204 or 304 with a body. `picha.asgi` uses this middleware.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from picha.http.origins import Receive, Scope, Send

WITHOUT_BODY: Final = {HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED}


class EmptyBodyMiddleware:
    """ASGI middleware that sends no body where HTTP allows none.

    The response then ends at once. The server reports a disconnect to the application, so that
    Django closes a stream of which nobody receives anything.
    """

    def __init__(self, application: Callable[..., Awaitable[None]]) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application(scope, receive, EmptyBody(send, method=scope["method"]).send)


class EmptyBody:
    """The `send` of one response."""

    def __init__(self, send: Send, *, method: str) -> None:
        self._send = send
        self._has_body = method != "HEAD"
        self._is_complete = False

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start" and message["status"] in WITHOUT_BODY:
            self._has_body = False
            message = {**message, "headers": _without_length(message.get("headers", ()))}
        if self._has_body or message["type"] != "http.response.body":
            await self._send(message)
        elif not self._is_complete:
            self._is_complete = True
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})


def _without_length(headers: Any) -> list[tuple[bytes, bytes]]:
    """A 204 must have no length (RFC 9110, 8.6); uvicorn waits for the body if a 304 has one."""
    return [(name, value) for name, value in headers if name.lower() != b"content-length"]

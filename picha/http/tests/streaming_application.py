"""An ASGI application whose responses have bodies of several messages, to test servers with."""

from collections.abc import MutableMapping
from typing import Any, Final

from picha.http.empty_bodies import EmptyBodyMiddleware
from picha.http.origins import Receive, Send

CHUNKS: Final = (b"HTTP/1.1 200 OK\r\n\r\n", b"y" * 70_000, b"", b"HTTP/1.1 302 Found\r\n\r\n")
LENGTH: Final = sum(map(len, CHUNKS))


async def respond(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """The path is the status; with a query, the response says how long its body is."""
    length = [(b"Content-Length", b"%d" % LENGTH)] if scope["query_string"] else []
    status = int(scope["path"].removeprefix("/"))
    await send({"type": "http.response.start", "status": status, "headers": length})
    for chunk in CHUNKS:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


application = EmptyBodyMiddleware(respond)

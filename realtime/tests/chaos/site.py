"""The ASGI application of the web process: the site, plus URLs that enqueue jobs and tasks.

POST /chaos/tracked?token=a&token=b   commits a job for each token
POST /chaos/plain?token=a&token=b     publishes a plain Celery task for each token
POST /chaos/plain_mail?token=a        publishes a plain task that sends an email for each token

The status 200 acknowledges all tokens of the request.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs

from asgiref.sync import sync_to_async
from django.core.asgi import get_asgi_application

site = get_asgi_application()

from realtime.jobs.create import enqueue  # noqa: E402 - needs the apps
from realtime.tests.chaos.tasks import plain, plain_mail, tracked  # noqa: E402

Send = Callable[[Mapping[str, Any]], Awaitable[None]]


async def application(scope: dict[str, Any], receive: Any, send: Send) -> None:
    path = scope.get("path", "")
    if not path.startswith("/chaos/"):
        await site(scope, receive, send)
        return
    query = parse_qs(scope["query_string"].decode())
    accept = ACCEPT[path.removeprefix("/chaos/")]
    work = {"items": int(query["items"][0]), "seconds": float(query["seconds"][0])}
    try:
        await sync_to_async(accept, thread_sensitive=False)(query["token"], work)
    except Exception as error:  # noqa: BLE001 - after any error no token is acknowledged
        await answer(send, 503, {"error": repr(error)})
    else:
        await answer(send, 200, {})


def accept_tracked(tokens: list[str], work: dict[str, Any]) -> None:
    for token in tokens:
        enqueue(tracked, kwargs={"token": token, **work})


def accept_plain(tokens: list[str], work: dict[str, Any]) -> None:
    for token in tokens:
        plain.apply_async(kwargs={"token": token, **work})


def accept_plain_mail(tokens: list[str], work: dict[str, Any]) -> None:
    for token in tokens:
        plain_mail.apply_async(kwargs={"token": token, **work})


ACCEPT: Final = {
    "tracked": accept_tracked,
    "plain": accept_plain,
    "plain_mail": accept_plain_mail,
}


async def answer(send: Send, status: int, content: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(content).encode()})

"""The sandbox: a local server that responds like Flickr's REST API, feed and image host.

A plain ASGI application, without Django: daphne serves it, and tests call it in memory.
"""

import asyncio
import html as html_text
import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any
from urllib.parse import parse_qsl

from photos.sandbox import pictures, rest
from photos.sandbox.catalogue import FIRST_ID
from photos.sandbox.config import SandboxConfig
from photos.sandbox.faults import Faults
from photos.sandbox.feed import feed
from photos.sandbox.replies import NOT_FOUND, Reply, html, json_reply
from photos.sandbox.search import Library
from photos.sandbox.seeds import seeded

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

IMAGE = re.compile(
    r"/(?P<server>\d{1,6})/(?P<id>\d{1,15})_(?P<secret>[0-9a-f]{10})(?:_(?P<suffix>[a-z]))?\.jpg"
)
PAGE = re.compile(r"/photos/(?P<owner>[\w@-]{1,64})/(?P<id>\d{1,15})/?")
UNAVAILABLE = "/images/photo_unavailable.gif"
TINY_GIF = (
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xcc\xcc\xcc\x00\x00\x00!\xf9\x04\x00\x00\x00\x00\x00"
    b",\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"
)


class Sandbox:
    def __init__(self, config: SandboxConfig) -> None:
        self.config = config
        self.library = Library(config)
        self.faults = Faults(config)
        self.paths: list[str] = []
        """The paths of all requests, for tests."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await _send(await self.reply(scope), send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)

    async def reply(self, scope: Message) -> Reply:
        path = scope["path"]
        params = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
        self.paths.append(path)
        if path == "/":
            return html(200, "The Picha sandbox: a simulated Flickr, for development.")
        await self._wait()
        fault = self.faults.next()
        if fault is not None:
            return fault
        return await self._route(path, params, origin=_origin(scope))

    async def _wait(self) -> None:
        if self.config.latency:
            rng = seeded("latency", self.config.seed, self.faults.request_count)
            await asyncio.sleep(self.config.latency * rng.uniform(0.5, 1.5))

    async def _route(self, path: str, params: Mapping[str, str], *, origin: str) -> Reply:
        if path == "/services/rest/":
            document = rest.answer(self.library, params, origin=origin)
            self.library.early_photos += self.config.new_photos_per_request
            is_plain = params.get("nojsoncallback") == "1"
            return json_reply(document, callback="jsonFlickrApi", is_plain=is_plain)
        if path == "/services/feeds/photos_public.gne":
            return feed(self.library, params, origin=origin)
        if path == UNAVAILABLE:
            return Reply(body=TINY_GIF, content_type="image/gif")
        if match := IMAGE.fullmatch(path):
            return await self._image(match, origin=origin)
        if match := PAGE.fullmatch(path):
            return self._page(match["id"])
        return NOT_FOUND

    async def _image(self, match: re.Match[str], *, origin: str) -> Reply:
        photo = self.library.by_id(match["id"], first_id=FIRST_ID)
        if photo is None or photo.is_gone or photo.secret != match["secret"]:
            return Reply(status=302, headers=(("location", origin + UNAVAILABLE),))
        body = await asyncio.to_thread(
            pictures.jpeg, self.config.seed, photo, match["suffix"] or ""
        )
        return NOT_FOUND if body is None else Reply(body=body, content_type="image/jpeg")

    def _page(self, photo_id: str) -> Reply:
        photo = self.library.by_id(photo_id, first_id=FIRST_ID)
        if photo is None:
            return NOT_FOUND
        title = html_text.escape(photo.title.strip() or "Untitled")
        owner = html_text.escape(photo.owner.name)
        image = f"/65535/{photo.id}_{photo.secret}_m.jpg"
        body = (
            f'<!DOCTYPE html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
            f'<h1 dir="auto">{title}</h1><p>By {owner}. A generated photo of the Picha sandbox.'
            f'<p><img src="{image}" alt="">'
        )
        return Reply(body=body.encode())


def _origin(scope: Message) -> str:
    host = dict(scope["headers"]).get(b"host", b"localhost").decode("latin-1")
    safe_host = host if re.fullmatch(r"[\w.:\[\]-]{1,255}", host) else "localhost"
    return f"{scope['scheme']}://{safe_host}"


async def _send(reply: Reply, send: Send) -> None:
    headers = [
        (b"content-type", reply.content_type.encode()),
        (b"content-length", str(len(reply.body)).encode()),
        *((name.encode(), value.encode()) for name, value in reply.headers),
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": reply.body})


async def _lifespan(receive: Receive, send: Send) -> None:
    """Respond to the lifespan protocol, which uvicorn uses and daphne does not."""
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await send({"type": "lifespan.shutdown.complete"})
            return

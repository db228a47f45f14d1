"""Sandboxes in memory, and the client's parts pointed at them."""

from typing import Any

import httpx

from photos.flickr.api import Api
from photos.flickr.config import FlickrConfig
from photos.flickr.downloads import Downloads
from photos.flickr.http_client import Client
from photos.flickr.pictures import Pictures
from photos.flickr.sources import ApiSource, FeedSource
from photos.sandbox.app import Sandbox
from photos.sandbox.catalogue import EPOCH
from photos.sandbox.config import API_KEY, SandboxConfig

HOST = "127.0.0.1:8003"
SITE = f"http://{HOST}"
NOW = EPOCH + 10_000 * 90


def sandbox(**knobs: Any) -> Sandbox:
    calm: dict[str, Any] = {"clock": lambda: NOW, "photos": 300, "hostile_rate": 0.0}
    return Sandbox(SandboxConfig(**calm | knobs))


def flickr_config(**changes: Any) -> FlickrConfig:
    usual: dict[str, Any] = {
        "api_url": f"{SITE}/services/rest/",
        "feed_url": f"{SITE}/services/feeds/photos_public.gne",
        "image_hosts": (HOST,),
        "api_key": API_KEY,
        "deadline": 60.0,
        "retry_wait": 0.0,
    }
    return FlickrConfig(**usual | changes)


async def no_pace() -> None:
    pass


class Flickr:
    """All of the client, and what it said to the watcher."""

    def __init__(self, transport: httpx.AsyncBaseTransport, **changes: Any) -> None:
        self.config = flickr_config(**changes)
        self.said: list[str] = []
        self.client = Client(self.config, transport=transport)
        say = self.said.append
        self.api = Api(client=self.client, config=self.config, pace=no_pace, say=say)
        self.source = ApiSource(self.api)
        self.feed = FeedSource(client=self.client, config=self.config, pace=no_pace, say=say)
        self.pictures = Pictures(client=self.client, config=self.config)
        self.downloads = Downloads(self.pictures, say=say, first_wait=self.config.retry_wait)


def flickr_of(box: Sandbox, **changes: Any) -> Flickr:
    return Flickr(httpx.ASGITransport(app=box), **changes)

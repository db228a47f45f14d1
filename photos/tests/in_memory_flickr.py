"""Sandboxes in memory, and the parts of the Flickr client connected to them."""

from typing import Any

import httpx

from photos.flickr.api import Api
from photos.flickr.config import FlickrConfig
from photos.flickr.downloads import Downloads
from photos.flickr.http_client import HttpClient
from photos.flickr.pictures import PictureClient
from photos.flickr.sources import ApiSource, FeedSource
from photos.sandbox.app import Sandbox
from photos.sandbox.catalogue import EPOCH
from photos.sandbox.config import API_KEY, SandboxConfig

HOST = "127.0.0.1:8003"
SITE = f"http://{HOST}"
NOW = EPOCH + 10_000 * 90


def new_sandbox(**options: Any) -> Sandbox:
    defaults: dict[str, Any] = {"clock": lambda: NOW, "photos": 300, "hostile_rate": 0.0}
    return Sandbox(SandboxConfig(**defaults | options))


def flickr_config(**options: Any) -> FlickrConfig:
    defaults: dict[str, Any] = {
        "api_url": f"{SITE}/services/rest/",
        "feed_url": f"{SITE}/services/feeds/photos_public.gne",
        "image_hosts": (HOST,),
        "api_key": API_KEY,
        "deadline": 60.0,
        "retry_wait": 0.0,
    }
    return FlickrConfig(**defaults | options)


async def no_wait() -> None:
    pass


class FlickrParts:
    """All parts of the client, and the messages that they showed to the viewer."""

    def __init__(self, transport: httpx.AsyncBaseTransport, **options: Any) -> None:
        self.config = config = flickr_config(**options)
        self.client = client = HttpClient(config, transport=transport)
        self.messages: list[str] = []
        show_message = self.messages.append
        self.api = Api(
            client=client, config=config, wait_for_turn=no_wait, show_message=show_message
        )
        self.source = ApiSource(self.api)
        self.feed = FeedSource(
            client=client, config=config, wait_for_turn=no_wait, show_message=show_message
        )
        self.downloads = Downloads(
            PictureClient(client=client, config=config),
            show_message=show_message,
            first_wait=config.retry_wait,
        )


def connect_to(sandbox: Sandbox, **options: Any) -> FlickrParts:
    return FlickrParts(httpx.ASGITransport(app=sandbox), **options)

"""FlickrClient: the source of photos and the picture downloads for one import.

It is built from the site's settings; `photos.flickr` itself knows nothing of Django.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import httpx
from asgiref.sync import sync_to_async
from django.conf import settings

from photos.flickr.api import Api
from photos.flickr.config import FlickrConfig
from photos.flickr.downloads import Downloads
from photos.flickr.http_client import HttpClient
from photos.flickr.pictures import PictureClient
from photos.flickr.retries import ShowMessage
from photos.flickr.sources import ApiSource, FeedSource, Source
from photos.models import Turn
from photos.sandbox.config import API_KEY as SANDBOX_KEY

SECONDS_PER_REQUEST: Final = 1.0
"""Flickr allows 3,600 requests an hour with one API key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlickrClient:
    source: Source
    downloads: Downloads


def config_from_settings() -> FlickrConfig:
    is_sandbox = settings.FLICKR_SOURCE == "sandbox"
    return FlickrConfig(
        api_url=settings.FLICKR_API_URL,
        feed_url=settings.FLICKR_FEED_URL,
        image_hosts=tuple(settings.FLICKR_IMAGE_HOSTS),
        api_key=settings.FLICKR_API_KEY or (SANDBOX_KEY if is_sandbox else ""),
        user_agent=f"Picha/0.1 (+{settings.SITE_URL})",
    )


async def wait_for_turn() -> None:
    """Sleep until the next request may be sent; all processes of the site share this limit."""
    wait = await sync_to_async(Turn.objects.reserve)("flickr", every=SECONDS_PER_REQUEST)
    await asyncio.sleep(wait)


def new_transport() -> httpx.AsyncBaseTransport | None:
    """None makes httpx use the network; tests replace this function."""
    return None


@asynccontextmanager
async def open_flickr_client(
    *,
    show_message: ShowMessage,
    transport: Callable[[], httpx.AsyncBaseTransport | None] | None = None,
) -> AsyncIterator[FlickrClient]:
    config = config_from_settings()
    async with HttpClient(config, transport=(transport or new_transport)()) as http:
        pictures = PictureClient(client=http, config=config)
        yield FlickrClient(
            source=_source(http, config, show_message=show_message),
            downloads=Downloads(pictures, show_message=show_message, first_wait=config.retry_wait),
        )


def _source(http: HttpClient, config: FlickrConfig, *, show_message: ShowMessage) -> Source:
    if settings.FLICKR_SOURCE == "feed":
        return FeedSource(
            client=http, config=config, wait_for_turn=wait_for_turn, show_message=show_message
        )
    api = Api(client=http, config=config, wait_for_turn=wait_for_turn, show_message=show_message)
    return ApiSource(api)

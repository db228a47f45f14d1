"""Puts the settings and Flickr's parts together for one import."""

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
from photos.flickr.http_client import Client
from photos.flickr.pictures import Pictures
from photos.flickr.retries import Say
from photos.flickr.sources import ApiSource, FeedSource, Source
from photos.models import Turn
from photos.sandbox.config import API_KEY as SANDBOX_KEY

SECONDS_PER_REQUEST: Final = 1.0
"""Flickr allows 3,600 requests an hour for one key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    source: Source
    downloads: Downloads


def config() -> FlickrConfig:
    sandboxed = settings.FLICKR_SOURCE == "sandbox"
    return FlickrConfig(
        api_url=settings.FLICKR_API_URL,
        feed_url=settings.FLICKR_FEED_URL,
        image_hosts=tuple(settings.FLICKR_IMAGE_HOSTS),
        api_key=settings.FLICKR_API_KEY or (SANDBOX_KEY if sandboxed else ""),
        user_agent=f"Picha/0.1 (+{settings.SITE_URL})",
    )


async def pace() -> None:
    """Wait for the next turn, which all processes of the site take from one row."""
    wait = await sync_to_async(Turn.objects.take)("flickr", every=SECONDS_PER_REQUEST)
    await asyncio.sleep(wait)


def new_transport() -> httpx.AsyncBaseTransport | None:
    """None is the network."""
    return None


@asynccontextmanager
async def connected(
    *, say: Say, transport: Callable[[], httpx.AsyncBaseTransport | None] | None = None
) -> AsyncIterator[Connection]:
    flickr = config()
    async with Client(flickr, transport=(transport or new_transport)()) as client:
        pictures = Pictures(client=client, config=flickr)
        yield Connection(
            source=_source(client, flickr, say=say),
            downloads=Downloads(pictures, say=say, first_wait=flickr.retry_wait),
        )


def _source(client: Client, flickr: FlickrConfig, *, say: Say) -> Source:
    if settings.FLICKR_SOURCE == "feed":
        return FeedSource(client=client, config=flickr, pace=pace, say=say)
    return ApiSource(Api(client=client, config=flickr, pace=pace, say=say))

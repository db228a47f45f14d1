"""Where an import reads photos from: the REST API, or the keyless feed."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Protocol

from photos.flickr import parse
from photos.flickr.api import PER_PAGE_MAX, Api, LicenceInfo, Pace
from photos.flickr.client import Client
from photos.flickr.config import FlickrConfig
from photos.flickr.feed import FEED_MAX, feed_page
from photos.flickr.patience import Say, patiently
from photos.flickr.photo import Page, Request

REACHABLE = 4000
"""Past the first 4,000 results of a query Flickr repeats pages instead of failing."""


class Source(Protocol):
    @property
    def most(self) -> int:
        """How many photos one import can have from here."""

    def pages(self, request: Request) -> AsyncGenerator[Page, None]:
        """Pages of photos not seen before in this import, at most `request.limit` in all."""

    async def licences(self) -> tuple[LicenceInfo, ...]: ...


@dataclass(frozen=True, slots=True)
class ApiSource:
    api: Api
    most: int = REACHABLE

    async def pages(self, request: Request) -> AsyncGenerator[Page, None]:
        """Flickr's pages shift while they are read, its total too, and a short page is no end."""
        per_page = min(request.limit, PER_PAGE_MAX)
        seen: set[str] = set()
        number = 0
        while len(seen) < request.limit and number * per_page < REACHABLE:
            number += 1
            page = await self.api.page(request, number)
            fresh = tuple(one for one in page.photos if one.id not in seen)
            fresh = fresh[: request.limit - len(seen)]
            seen |= {one.id for one in fresh}
            if fresh or page.rejected:
                yield replace(page, photos=fresh)
            if not fresh or number >= page.pages:
                return

    async def licences(self) -> tuple[LicenceInfo, ...]:
        return await self.api.licences()


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    client: Client
    config: FlickrConfig
    pace: Pace
    say: Say
    most: int = FEED_MAX

    async def pages(self, request: Request) -> AsyncGenerator[Page, None]:
        page = await patiently(
            lambda: self._read(request), say=self.say, first_wait=self.config.retry_wait
        )
        if page.photos or page.rejected:
            yield replace(page, photos=page.photos[: request.limit])

    async def licences(self) -> tuple[LicenceInfo, ...]:
        return ()

    async def _read(self, request: Request) -> Page:
        params = {"format": "json", "nojsoncallback": "1"}
        if request.tags:
            params |= {"tags": ",".join(request.tags), "tagmode": "all"}
        await self.pace()
        answer = await self.client.get(
            self.config.feed_url, params=params, longest=self.config.document_max
        )
        return feed_page(parse.document(answer.body), site=self.config.site)

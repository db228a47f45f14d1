"""Where an import reads photos from: the REST API, or the keyless feed."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Protocol

from photos.flickr import parse
from photos.flickr.api import PER_PAGE_MAX, Api, LicenceInfo, Pace
from photos.flickr.config import FlickrConfig
from photos.flickr.feed import FEED_MAX, feed_page
from photos.flickr.http_client import Client
from photos.flickr.photo import Page, Request
from photos.flickr.retries import Say, with_retries

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
        """Flickr's pages shift while they are read, its total too, and a short page is no end.

        Oldest first, each page begins with the second that the last one ended with: when a photo
        of an earlier page vanishes, the next page by number begins one too late, and the mark
        passes the one between.
        """
        per_page, most = min(request.limit, PER_PAGE_MAX), min(request.limit, self.most)
        seen: set[str] = set()
        number = 1
        while len(seen) < most and (number - 1) * per_page < REACHABLE:
            page = await self.api.page(request, number)
            fresh = tuple(one for one in page.photos if one.id not in seen)[: most - len(seen)]
            seen |= {one.id for one in fresh}
            if fresh or page.rejected:
                yield replace(page, photos=fresh)
            is_repeated = page.photos and not fresh and not (request.oldest_first and number == 1)
            if not page.entries or is_repeated or number >= page.pages:
                return
            later = _after(request, page)
            request, number = (request, number + 1) if later is None else (later, 1)

    async def licences(self) -> tuple[LicenceInfo, ...]:
        return await self.api.licences()


def _after(request: Request, page: Page) -> Request | None:
    """The request for what follows `page`; None where only the next number leads on."""
    newest = max((int(one.uploaded_at.timestamp()) for one in page.photos), default=0)
    if not request.oldest_first or newest <= (request.since or 0):
        return None
    return replace(request, since=newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    client: Client
    config: FlickrConfig
    pace: Pace
    say: Say
    most: int = FEED_MAX

    async def pages(self, request: Request) -> AsyncGenerator[Page, None]:
        page = await with_retries(
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

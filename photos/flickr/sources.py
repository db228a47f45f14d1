"""Sources of photos for an import: the REST API, or the feed, which needs no API key."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, replace
from typing import Protocol

from photos.flickr.api import PER_PAGE_MAX, Api, LicenceInfo, WaitForTurn
from photos.flickr.config import FlickrConfig
from photos.flickr.documents import parse_document
from photos.flickr.feed import FEED_MAX, feed_page
from photos.flickr.http_client import HttpClient
from photos.flickr.photo import Page, PhotoQuery
from photos.flickr.retries import ShowMessage, with_retries

RESULTS_MAX = 4000
"""After the first 4,000 results of a query Flickr repeats pages instead of reporting an error."""


EMPTY_PAGES_MAX = 3
"""After so many empty pages one after another, no other page is read."""
EMPTY_PAGE = "Flickr sent an empty page although it has more photos, so photos may be missing."


class Source(Protocol):
    @property
    def max_photos(self) -> int:
        """How many photos one import can read from this source."""

    def pages(self, query: PhotoQuery) -> AsyncGenerator[Page, None]:
        """Yield pages that repeat no photo, with at most `query.limit` entries in all.

        A page with a note may be empty. Entries that cannot be read count too: otherwise Flickr's
        server would decide how many of them are recorded.
        """

    async def licences(self) -> tuple[LicenceInfo, ...]: ...


@dataclass(frozen=True, slots=True)
class ApiSource:
    api: Api
    max_photos: int = RESULTS_MAX

    async def pages(self, query: PhotoQuery) -> AsyncGenerator[Page, None]:
        """Read until Flickr has no more pages; a short page does not mean that it was the last.

        Flickr's pages and its total change while they are read. With `oldest_first`, each request
        therefore starts at the second of the last photo of the page before, instead of at the
        next page number: if a photo of an earlier page is deleted, the next page by number starts
        one photo too late, and the import mark would move past the photo that was skipped. For the
        same reason nothing is read behind an empty page then: the next import starts there.
        """
        per_page, limit = min(query.limit, PER_PAGE_MAX), min(query.limit, self.max_photos)
        seen: set[str] = set()
        number, empty_pages = 1, 0
        while len(seen) < limit and (number - 1) * per_page < RESULTS_MAX:
            page = await self.api.page(query, number)
            unseen = page.unseen(seen, limit=limit - len(seen))
            seen |= unseen.keys()
            if unseen.keys():
                yield unseen
            is_repeated = (
                page.photos and not unseen.photos and not (query.oldest_first and number == 1)
            )
            if is_repeated or number >= page.pages:
                return
            empty_pages = 0 if page.entries else empty_pages + 1
            if empty_pages:
                yield replace(page, note=EMPTY_PAGE)
                if query.oldest_first or empty_pages >= EMPTY_PAGES_MAX:
                    return
            next_query = _query_after(page, query)
            query, number = (query, number + 1) if next_query is None else (next_query, 1)

    async def licences(self) -> tuple[LicenceInfo, ...]:
        return await self.api.licences()


def _query_after(page: Page, query: PhotoQuery) -> PhotoQuery | None:
    """The query for the photos after `page`; None if only the next page number leads to them."""
    newest = max((int(photo.uploaded_at.timestamp()) for photo in page.photos), default=0)
    if not query.oldest_first or newest <= (query.since or 0):
        return None
    return replace(query, since=newest)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedSource:
    client: HttpClient
    config: FlickrConfig
    wait_for_turn: WaitForTurn
    show_message: ShowMessage
    max_photos: int = FEED_MAX

    async def pages(self, query: PhotoQuery) -> AsyncGenerator[Page, None]:
        page = await with_retries(
            lambda: self._read(query),
            show_message=self.show_message,
            first_wait=self.config.retry_wait,
        )
        if page.keys():
            yield page.unseen((), limit=query.limit)

    async def licences(self) -> tuple[LicenceInfo, ...]:
        return ()

    async def _read(self, query: PhotoQuery) -> Page:
        params = {"format": "json", "nojsoncallback": "1"}
        if query.tags:
            params |= {"tags": ",".join(query.tags), "tagmode": "all"}
        await self.wait_for_turn()
        response = await self.client.get(
            self.config.feed_url, params=params, max_bytes=self.config.document_max
        )
        return feed_page(parse_document(response.body), site=self.config.site)

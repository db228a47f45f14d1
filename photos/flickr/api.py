"""Flickr's REST API: lists of photos, one page for each request, and the list of licences."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from photos.flickr import parse
from photos.flickr.config import FlickrConfig
from photos.flickr.documents import parse_rest_document
from photos.flickr.http_client import HttpClient
from photos.flickr.photo import Page, PhotoQuery
from photos.flickr.retries import Result, ShowMessage, with_retries
from photos.flickr.text import one_line, storable_number

PER_PAGE_MAX = 100
"""Flickr allows 500; with smaller pages the viewer sees progress sooner."""

LICENCE_NAME_MAX = 100
LICENCE_URL_MAX = 300

EXTRAS = (
    "description,license,date_upload,date_taken,owner_name,path_alias,tags,media,last_update,"
    "url_q,url_n,url_z,url_l"
)

WaitForTurn = Callable[[], Awaitable[None]]
"""Awaited before each request; it returns when the rate limit allows the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceInfo:
    number: int
    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    client: HttpClient
    config: FlickrConfig
    wait_for_turn: WaitForTurn
    show_message: ShowMessage

    async def page(self, query: PhotoQuery, number: int) -> Page:
        """Fetch one page of the newest photos, or of those uploaded since `query.since`."""
        per_page = min(query.limit, PER_PAGE_MAX)
        params = {"extras": EXTRAS, "per_page": str(per_page), "page": str(number)}
        return await self._call(
            _criteria(query) | params,
            lambda document: parse.page(document, site=self.config.site, entries_max=per_page),
        )

    async def licences(self) -> tuple[LicenceInfo, ...]:
        return await self._call({"method": "flickr.photos.licenses.getInfo"}, _licences)

    async def _call(
        self, params: dict[str, str], parse_document: Callable[[dict[str, Any]], Result]
    ) -> Result:
        """Return the parsed document. A document that cannot be parsed is requested again."""
        params |= {"api_key": self.config.api_key, "format": "json", "nojsoncallback": "1"}

        async def send_request() -> Result:
            await self.wait_for_turn()
            response = await self.client.get(
                self.config.api_url, params=params, max_bytes=self.config.document_max
            )
            return parse_document(parse_rest_document(response.body))

        return await with_retries(
            send_request, show_message=self.show_message, first_wait=self.config.retry_wait
        )


def _criteria(query: PhotoQuery) -> dict[str, str]:
    """The parameters that select photos.

    flickr.photos.search refuses a search without tags and without a date (code 3), so the newest
    photos of all are read with flickr.photos.getRecent.
    """
    if not query.tags and query.since is None:
        return {"method": "flickr.photos.getRecent"}
    criteria = {
        "method": "flickr.photos.search",
        "media": "photos",
        "safe_search": "1",
        "sort": "date-posted-asc" if query.oldest_first else "date-posted-desc",
    }
    if query.tags:
        criteria |= {"tags": ",".join(query.tags), "tag_mode": "all"}
    if query.since is not None:
        criteria["min_upload_date"] = str(query.since)
    return criteria


def _licences(document: dict[str, Any]) -> tuple[LicenceInfo, ...]:
    envelope = document.get("licenses")
    entries = envelope.get("license") if isinstance(envelope, dict) else None
    if not isinstance(entries, list):
        return ()
    licences = [_licence(entry) for entry in entries if isinstance(entry, dict)]
    return tuple(licence for licence in licences if licence is not None)


def _licence(entry: dict[str, Any]) -> LicenceInfo | None:
    number = storable_number(entry.get("id"))
    if number is None:
        return None
    name = one_line(entry.get("name"), max_length=LICENCE_NAME_MAX)
    return LicenceInfo(number=number, name=name, url=_web_url(entry.get("url")))


def _web_url(value: object) -> str:
    """The URL, or "" if it is too long: a URL that is cut off leads to another page."""
    is_url = isinstance(value, str) and value.startswith(("http://", "https://"))
    return str(value) if is_url and len(str(value)) <= LICENCE_URL_MAX else ""

"""Flickr's REST methods, one request a page."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from photos.flickr import parse
from photos.flickr.config import FlickrConfig
from photos.flickr.http_client import Client
from photos.flickr.photo import Page, Request
from photos.flickr.retries import Say, with_retries
from photos.flickr.text import count, line

PER_PAGE_MAX = 100
"""Flickr gives up to 500; smaller pages show sooner that something happens."""

URL_MAX = 300
"""Of a licence."""

EXTRAS = (
    "description,license,date_upload,date_taken,owner_name,path_alias,tags,media,last_update,"
    "url_q,url_n,url_z,url_l"
)

Pace = Callable[[], Awaitable[None]]
"""Awaited before each request; returns when the next one may go out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LicenceInfo:
    number: int
    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Api:
    client: Client
    config: FlickrConfig
    pace: Pace
    say: Say

    async def page(self, request: Request, number: int) -> Page:
        """One page of the newest photos, or of those since a moment."""
        per_page = min(request.limit, PER_PAGE_MAX)
        params = {"extras": EXTRAS, "per_page": str(per_page), "page": str(number)}
        found = await self._call(**_criteria(request), **params, read=parse.success)
        return parse.page(found, site=self.config.site)

    async def licences(self) -> tuple[LicenceInfo, ...]:
        found = await self._call(method="flickr.photos.licenses.getInfo", read=parse.success)
        envelope = found.get("licenses")
        listed = envelope.get("license") if isinstance(envelope, dict) else None
        entries = [one for one in listed or [] if isinstance(one, dict)]
        known = [(count(one.get("id")), one) for one in entries]
        return tuple(
            LicenceInfo(
                number=number,
                name=line(one.get("name"), longest=100),
                url=_web_address(one.get("url")),
            )
            for number, one in known
            if number is not None
        )

    async def _call(
        self, *, read: Callable[[bytes], dict[str, Any]], **params: str
    ) -> dict[str, Any]:
        fixed = {"api_key": self.config.api_key, "format": "json", "nojsoncallback": "1"}

        async def once() -> dict[str, Any]:
            await self.pace()
            answer = await self.client.get(
                self.config.api_url, params=params | fixed, longest=self.config.document_max
            )
            return read(answer.body)

        return await with_retries(once, say=self.say, first_wait=self.config.retry_wait)


def _criteria(request: Request) -> dict[str, str]:
    """A search without a criterion is refused (code 3); the newest of all have their own method."""
    if not request.tags and request.since is None:
        return {"method": "flickr.photos.getRecent"}
    criteria = {
        "method": "flickr.photos.search",
        "media": "photos",
        "safe_search": "1",
        "sort": "date-posted-asc" if request.oldest_first else "date-posted-desc",
    }
    if request.tags:
        criteria |= {"tags": ",".join(request.tags), "tag_mode": "all"}
    if request.since is not None:
        criteria["min_upload_date"] = str(request.since)
    return criteria


def _web_address(value: object) -> str:
    """Whole or not at all: half an address leads elsewhere."""
    known = isinstance(value, str) and value.startswith(("http://", "https://"))
    return str(value) if known and len(str(value)) <= URL_MAX else ""

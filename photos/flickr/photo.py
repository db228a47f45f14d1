"""What is known of a photo at Flickr, whichever way it was read."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    local: str
    """The owner's clock as "YYYY-MM-DD HH:MM:SS", in no zone; empty when unknown."""
    granularity: int = 0
    """0 is exact, 4 the month, 6 the year, 8 "circa"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlickrPhoto:
    id: str
    title: str
    description: str
    """HTML as its owner wrote it; not safe to show."""
    owner_nsid: str
    owner_name: str
    licence: int | None
    """Flickr's number of the licence; None where the source does not say (the feed)."""
    taken: Taken
    uploaded_at: datetime
    tags: tuple[str, ...]
    page_url: str
    image_urls: tuple[str, ...]
    """The same picture in several sizes, the most wanted first."""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An entry that could not be read as a photo."""

    key: str
    title: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    photos: tuple[FlickrPhoto, ...]
    rejected: tuple[Rejected, ...] = ()
    entries: int = 0
    """How many Flickr gave, those that are no photos among them."""
    number: int = 1
    pages: int = 1
    total: int = 0
    """How many the query has in all, as Flickr believes now; it moves between pages."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What an import wants: the newest, or all since a moment, oldest first."""

    tags: tuple[str, ...] = ()
    limit: int
    since: int | None = None
    """Unix time of upload, inclusive."""
    oldest_first: bool = False

"""Photos of Flickr, the same structure from the REST API and from the feed."""

from collections.abc import Container
from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DateTaken:
    local: str
    """The owner's local time as "YYYY-MM-DD HH:MM:SS", without a time zone; empty if unknown."""
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
    """Flickr's number of the licence; None from the feed, which does not name it."""
    taken: DateTaken
    uploaded_at: datetime
    tags: tuple[str, ...]
    page_url: str
    image_urls: tuple[str, ...]
    """The same picture in several sizes, the best for a thumbnail first."""
    width: int | None = None
    height: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectedEntry:
    """An entry of a page that could not be read as a photo."""

    key: str
    title: str
    reason: str
    uploaded_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    photos: tuple[FlickrPhoto, ...]
    rejected: tuple[RejectedEntry, ...] = ()
    entries: int = 0
    """How many entries were looked at, including those that are not photos."""
    number: int = 1
    pages: int = 1
    total: int = 0
    """How many photos the query has in all; Flickr's number changes from page to page."""
    note: str = ""
    """What people should know about this page."""

    def unseen(self, seen: Container[str], *, limit: int) -> "Page":
        """This page without what was seen, and with at most `limit` photos and rejected entries."""
        photos = [photo for photo in self.photos if photo.id not in seen][:limit]
        rejected = {entry.key: entry for entry in self.rejected if entry.key not in seen}
        return replace(
            self,
            photos=tuple(photos),
            rejected=tuple(rejected.values())[: limit - len(photos)],
        )

    def upload_dates(self) -> list[datetime]:
        dates = [entry.uploaded_at for entry in self.rejected if entry.uploaded_at]
        return [*dates, *(photo.uploaded_at for photo in self.photos)]

    def keys(self) -> set[str]:
        return {photo.id for photo in self.photos} | {entry.key for entry in self.rejected}


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoQuery:
    """Which photos an import reads: the newest, or all since a moment."""

    tags: tuple[str, ...] = ()
    limit: int
    since: int | None = None
    """Unix time of the upload, inclusive."""
    oldest_first: bool = False

"""The keyless feed: the 20 newest, without ids, licences or a total of their own."""

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from photos.flickr.errors import UnreadableError
from photos.flickr.hosts import current
from photos.flickr.parse import (
    DESCRIPTION_MAX,
    NAME_MAX,
    TITLE_MAX,
    NotAPhotoError,
    identity,
    page_url,
    sorted_out,
    tag_list,
    taken,
)
from photos.flickr.photo import FlickrPhoto, Page
from photos.flickr.text import line, markup

FEED_MAX = 20

_LINK = re.compile(r"/photos/(?P<slug>[\w@-]{1,64})/(?P<id>\d{1,20})/?", re.ASCII)
_IMAGE = re.compile(r"/\d{1,6}/\d{1,20}_[0-9a-f]{6,20}_m\.jpg", re.ASCII)
_AUTHOR = re.compile(r"\S+@\S+ \((?P<name>.*)\)", re.DOTALL)
# What Flickr itself puts before the owner's own words.
_PREAMBLE = re.compile(
    r"\s*<p>\s*<a [^>]*>[^<]*</a> posted a (?:photo|video):\s*</p>\s*"
    r"<p>\s*<a [^>]*>\s*<img [^>]*>\s*</a>\s*</p>\s*"
)


def feed_page(found: dict[str, Any], *, site: str) -> Page:
    items = found.get("items")
    if not isinstance(items, list):
        raise UnreadableError
    photos, rejected = sorted_out(items, lambda item: feed_photo(item, site=site))
    # The items are not in the order of their dates.
    newest = tuple(sorted(photos, key=lambda one: one.uploaded_at, reverse=True))
    return Page(photos=newest, rejected=rejected, entries=len(items), total=len(items))


def feed_photo(item: dict[str, Any], *, site: str) -> FlickrPhoto:
    link = _LINK.fullmatch(_path(item.get("link")))
    if link is None:
        raise NotAPhotoError("It has no link.")
    photo_id, owner = identity(link["id"], item.get("author_id"))
    return FlickrPhoto(
        id=photo_id,
        title=line(item.get("title"), longest=TITLE_MAX),
        description=_own_words(item.get("description")),
        owner_nsid=owner,
        owner_name=author_name(item.get("author")),
        licence=None,
        taken=taken(item.get("date_taken")),
        uploaded_at=_published(item.get("published")),
        tags=tag_list(item.get("tags")),
        page_url=page_url(site, slug=link["slug"], photo_id=photo_id),
        image_urls=_image_urls(item.get("media")),
    )


def author_name(value: Any) -> str:
    """`nobody@flickr.com (name)` until 2017; since then the name is JSON inside the JSON."""
    match = _AUTHOR.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return ""
    name: Any = match["name"]
    if name.startswith('"'):
        try:
            name = json.loads(name, strict=False)
        except ValueError:
            name = name.strip('"')
    return line(name, longest=NAME_MAX)


def _own_words(value: Any) -> str:
    return _PREAMBLE.sub("", markup(value, longest=DESCRIPTION_MAX), count=1).strip()


def _published(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise NotAPhotoError("It has no date of upload.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _image_urls(media: Any) -> tuple[str, ...]:
    """Other sizes than the one given share its secret, up to 1024."""
    address = media.get("m") if isinstance(media, dict) else None
    if not _IMAGE.fullmatch(_path(address)):
        raise NotAPhotoError("It has no picture that may be downloaded.")
    stem = current(str(address)).removesuffix("_m.jpg")
    return (f"{stem}_z.jpg", f"{stem}.jpg", f"{stem}_m.jpg")


def _path(value: Any) -> str:
    try:
        return urlsplit(value).path if isinstance(value, str) else ""
    except ValueError:  # "http://[" for one
        return ""

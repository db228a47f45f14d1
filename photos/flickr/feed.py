"""Reads Flickr's feed of the 20 newest photos.

The feed needs no API key. It names no licence and no total, and its photo ids are in its links.
"""

import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from photos.flickr.errors import UnreadableError
from photos.flickr.hosts import current_url
from photos.flickr.parse import (
    DESCRIPTION_MAX,
    NAME_MAX,
    TITLE_MAX,
    NotAPhotoError,
    date_taken,
    is_url,
    page_url,
    photo_and_owner_ids,
    read_entries,
    tag_list,
)
from photos.flickr.photo import FlickrPhoto, Page
from photos.flickr.text import markup, one_line

FEED_MAX = 20

AUTHOR_MAX = 4_000
"""Characters; a name of 255 characters has up to 12 for each of them in JSON."""

_LINK = re.compile(r"/photos/(?P<slug>[\w@-]{1,64})/(?P<id>\d{1,20})/?", re.ASCII)
_IMAGE = re.compile(r"/\d{1,6}/\d{1,20}_[0-9a-f]{6,20}_m\.jpg", re.ASCII)
# The HTML that Flickr puts before the owner's text. It is matched at the start only, and its parts
# never give back what they have matched, so that no text needs the square of its length.
_PREAMBLE = re.compile(
    r"\s*+<p>\s*+<a [^>]*+>[^<]*+</a> posted a (?:photo|video):\s*+</p>\s*+"
    r"<p>\s*+<a [^>]*+>\s*+<img [^>]*+>\s*+</a>\s*+</p>"
)


def feed_page(document: dict[str, Any], *, site: str) -> Page:
    items = document.get("items")
    if not isinstance(items, list):
        raise UnreadableError
    items = items[:FEED_MAX]
    photos, rejected = read_entries(items, lambda item: feed_photo(item, site=site))
    # Flickr does not sort the items by their dates.
    newest_first = tuple(sorted(photos, key=lambda photo: photo.uploaded_at, reverse=True))
    return Page(photos=newest_first, rejected=rejected, entries=len(items), total=len(items))


def feed_photo(item: dict[str, Any], *, site: str) -> FlickrPhoto:
    link = _LINK.fullmatch(_path(item.get("link")))
    if link is None:
        raise NotAPhotoError("It has no link to a photo.")
    photo_id, owner = photo_and_owner_ids(link["id"], item.get("author_id"))
    return FlickrPhoto(
        id=photo_id,
        title=one_line(item.get("title"), max_length=TITLE_MAX),
        description=_owner_text(item.get("description")),
        owner_nsid=owner,
        owner_name=author_name(item.get("author")),
        licence=None,
        taken=date_taken(item.get("date_taken")),
        uploaded_at=_upload_date(item.get("published")),
        tags=tag_list(item.get("tags")),
        page_url=page_url(site, slug=link["slug"], photo_id=photo_id),
        image_urls=_image_urls(item.get("media")),
    )


def author_name(value: Any) -> str:
    """The name in `nobody@flickr.com (name)`; since 2017 the name itself is a JSON string."""
    if not isinstance(value, str) or len(value) > AUTHOR_MAX:
        return ""
    address, separator, rest = value.partition(" (")
    is_address = "@" in address[1:-1] and address.split() == [address]
    if not is_address or not separator or not rest.endswith(")"):
        return ""
    name: Any = rest.removesuffix(")")
    if name.startswith('"'):
        try:
            name = json.loads(name, strict=False)
        except ValueError:
            name = name.strip('"')
    return one_line(name, max_length=NAME_MAX)


def _owner_text(value: Any) -> str:
    text = markup(value, max_length=DESCRIPTION_MAX)
    preamble = _PREAMBLE.match(text)
    return text[preamble.end() :].strip() if preamble else text


def _upload_date(value: Any) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise NotAPhotoError("It has no date of upload.") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _image_urls(media: Any) -> tuple[str, ...]:
    """The feed names one size; the URLs of the others, up to 1024, share its secret."""
    url = media.get("m") if isinstance(media, dict) else None
    if not _IMAGE.fullmatch(_path(url)):
        raise NotAPhotoError("It has no picture that may be downloaded.")
    stem = current_url(str(url)).removesuffix("_m.jpg")
    return (f"{stem}_z.jpg", f"{stem}.jpg", f"{stem}_m.jpg")


def _path(value: Any) -> str:
    try:
        return urlsplit(value).path if is_url(value) else ""
    except ValueError:  # for example "http://["
        return ""

"""The feed of the 20 newest photos, in JSON as Flickr writes it."""

import html
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from photos.sandbox.catalogue import SandboxPhoto
from photos.sandbox.replies import Reply, text_reply
from photos.sandbox.search import Library, Query

FEED_LENGTH = 20


def feed(library: Library, params: Mapping[str, str], *, origin: str) -> Reply:
    tags = params.get("tags", "")
    mode = "any" if params.get("tagmode") == "any" else "all"
    owner = params.get("id", "")
    photos = library.find(Query(tags=tuple(filter(None, tags.split(","))), mode=mode, owner=owner))
    document = {
        "title": f"Recent Uploads tagged {tags}" if tags else "Uploads from everyone",
        "link": f"{origin}/photos/",
        "description": "",
        "modified": datetime.fromtimestamp(library.config.clock(), tz=UTC).strftime(ISO),
        "generator": origin,
        "items": [_item(photo, origin=origin) for photo in _unsorted(photos[:FEED_LENGTH])],
    }
    text = json.dumps(document).replace("/", "\\/")
    if library.config.broken_escapes:
        # Before 2017 Flickr escaped apostrophes, which JSON does not allow, and did not escape
        # line breaks in strings.
        text = text.replace("'", "\\'").replace("\\n", "\r\n")
    is_plain = params.get("nojsoncallback") == "1"
    return text_reply(text, callback="jsonFlickrFeed", is_plain=is_plain)


ISO = "%Y-%m-%dT%H:%M:%SZ"


def _unsorted(photos: list[SandboxPhoto]) -> list[SandboxPhoto]:
    """Flickr does not sort the items of its feed by `published`."""
    return photos[1::2] + photos[::2]


def _item(photo: SandboxPhoto, *, origin: str) -> dict[str, Any]:
    page = f"{origin}/photos/{photo.owner.alias or photo.owner.nsid}/{photo.id}/"
    published = datetime.fromtimestamp(photo.uploaded, tz=UTC).strftime(ISO)
    taken = published[:-1] if photo.is_taken_unknown else photo.taken.replace(" ", "T")
    image = f"{origin}/65535/{photo.id}_{photo.secret}_m.jpg"
    # Flickr encodes the name as JSON inside the JSON.
    author = f"nobody@flickr.com ({json.dumps(photo.owner.name)})"
    return {
        "title": photo.title,
        "link": page,
        "media": {"m": image},
        "date_taken": f"{taken}-08:00",
        "description": _description(photo, page=page, image=image),
        "published": published,
        "author": author,
        "author_id": photo.owner.nsid,
        "tags": " ".join(photo.tags),
    }


def _description(photo: SandboxPhoto, *, page: str, image: str) -> str:
    wide, high = photo.sizes["s"]
    name, title = html.escape(photo.owner.name), html.escape(photo.title)
    text = (
        f' <p><a href="{page}">{name}</a> posted a photo:</p> '
        f'<p><a href="{page}" title="{title}">'
        f'<img src="{image}" width="{wide}" height="{high}" alt="{title}" /></a></p> '
    )
    return text + (f"<p>{photo.description}</p> " if photo.description else "")

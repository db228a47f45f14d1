"""Converts Flickr's JSON to the structures of `photos.flickr.photo`.

Flickr's types differ between methods and years. An entry that cannot be read is rejected with a
reason; the other entries of the page are used.
"""

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeGuard

from photos.flickr.errors import UnreadableError
from photos.flickr.hosts import current_url
from photos.flickr.photo import DateTaken, FlickrPhoto, Page, RejectedEntry
from photos.flickr.text import markup, one_line, storable_number, whole_number

TITLE_MAX = 255
NAME_MAX = 255
DESCRIPTION_MAX = 20_000
URL_MAX = 500
TAGS_MAX = 75
"""Flickr's own limit of tags for one photo."""

SIZES = ("z", "c", "l", "m", "n", "q")
"""The best for a thumbnail of 640 first: the exact size, then larger, then smaller sizes."""
_ID = re.compile(r"\d{1,20}", re.ASCII)
_NSID = re.compile(r"\d{1,15}@N\d{2}", re.ASCII)
_ALIAS = re.compile(r"[\w-]{1,64}", re.ASCII)
_TAKEN = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)", re.ASCII)


class NotAPhotoError(ValueError):
    """An entry lacks a field that every photo has; the message is shown to people."""


def page(document: dict[str, Any], *, site: str, entries_max: int) -> Page:
    """The page in a document; entries above `entries_max`, for which nobody asked, are ignored."""
    envelope = document.get("photos")
    if not isinstance(envelope, dict):
        raise UnreadableError
    entries = envelope.get("photo", [])
    if not isinstance(entries, list):
        raise UnreadableError
    entries = entries[:entries_max]
    stills = [entry for entry in entries if not _is_video(entry)]
    photos, rejected = read_entries(stills, lambda entry: photo(entry, site=site))
    return Page(
        photos=photos,
        rejected=rejected,
        entries=len(entries),
        number=whole_number(envelope.get("page")) or 1,
        pages=whole_number(envelope.get("pages")) or 0,
        total=whole_number(envelope.get("total")) or 0,
    )


def _is_video(entry: Any) -> bool:
    return isinstance(entry, dict) and entry.get("media") == "video"


def read_entries(
    entries: Iterable[Any], read: Callable[[dict[str, Any]], FlickrPhoto]
) -> tuple[tuple[FlickrPhoto, ...], tuple[RejectedEntry, ...]]:
    """The photos, each id once, and the entries that cannot be read."""
    photos: dict[str, FlickrPhoto] = {}
    rejected = []
    for position, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            rejected.append(
                RejectedEntry(key=f"entry-{position}", title="", reason="It is not a photo.")
            )
            continue
        try:
            photo = read(entry)
        except NotAPhotoError as error:
            key = one_line(entry.get("id"), max_length=40) or f"entry-{position}"
            rejected.append(
                RejectedEntry(
                    key=key,
                    title=one_line(entry.get("title"), max_length=TITLE_MAX),
                    reason=str(error),
                    uploaded_at=_date_or_none(entry.get("dateupload")),
                )
            )
        else:
            photos.setdefault(photo.id, photo)
    return tuple(photos.values()), tuple(rejected)


def photo(entry: dict[str, Any], *, site: str) -> FlickrPhoto:
    photo_id, owner = photo_and_owner_ids(entry.get("id"), entry.get("owner"))
    width, height = _largest_size(entry)
    alias = entry.get("pathalias")
    description = entry.get("description")
    if isinstance(description, dict):
        description = description.get("_content")
    return FlickrPhoto(
        id=photo_id,
        title=one_line(entry.get("title"), max_length=TITLE_MAX),
        description=markup(description, max_length=DESCRIPTION_MAX),
        owner_nsid=owner,
        owner_name=one_line(entry.get("ownername"), max_length=NAME_MAX),
        licence=storable_number(entry.get("license")),
        taken=date_taken(
            entry.get("datetaken"),
            granularity=whole_number(entry.get("datetakengranularity")) or 0,
            is_unknown=whole_number(entry.get("datetakenunknown")) == 1,
        ),
        uploaded_at=_upload_date(entry.get("dateupload")),
        tags=tag_list(entry.get("tags")),
        page_url=page_url(site, slug=alias if is_alias(alias) else owner, photo_id=photo_id),
        image_urls=_image_urls(entry),
        width=width,
        height=height,
    )


def photo_and_owner_ids(photo_id: Any, owner: Any) -> tuple[str, str]:
    id_text = str(photo_id) if isinstance(photo_id, int | str) else ""
    if not _ID.fullmatch(id_text):
        raise NotAPhotoError("It has no id.")
    if not isinstance(owner, str) or not _NSID.fullmatch(owner):
        raise NotAPhotoError("It has no owner.")
    return id_text, owner


def is_alias(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _ALIAS.fullmatch(value) is not None


def is_url(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and 0 < len(value) <= URL_MAX


def page_url(site: str, *, slug: str, photo_id: str) -> str:
    return f"{site}/photos/{slug}/{photo_id}/"


def tag_list(value: Any) -> tuple[str, ...]:
    words = one_line(value, max_length=5_000).split(" ")
    return tuple(dict.fromkeys(word for word in words if word))[:TAGS_MAX]


def date_taken(value: Any, *, granularity: int = 0, is_unknown: bool = False) -> DateTaken:
    """The owner's local time. Flickr writes a wrong time zone behind it, which is dropped."""
    match = _TAKEN.match(value) if isinstance(value, str) else None
    if match is None or is_unknown:
        return DateTaken(local="")
    local = f"{match[1]} {match[2]}"
    try:
        datetime.strptime(local, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - it has no time zone
    except ValueError:  # "0000-00-00 00:00:00" among others
        return DateTaken(local="")
    return DateTaken(local=local, granularity=granularity if granularity in (0, 4, 6, 8) else 0)


def _upload_date(value: Any) -> datetime:
    date = _date_or_none(value)
    if date is None:
        raise NotAPhotoError("It has no date of upload.")
    return date


def _date_or_none(value: Any) -> datetime | None:
    seconds = whole_number(value)
    if seconds is None or not 0 < seconds < 253_402_300_800:  # the end of the year 9999
        return None
    return datetime.fromtimestamp(seconds, tz=UTC)


def _image_urls(entry: dict[str, Any]) -> tuple[str, ...]:
    urls = [entry.get(f"url_{size}") for size in SIZES]
    image_urls = tuple(current_url(url) for url in urls if is_url(url))
    if not image_urls:
        raise NotAPhotoError("It has no picture that may be downloaded.")
    return image_urls


def _largest_size(entry: dict[str, Any]) -> tuple[int | None, int | None]:
    sizes = [
        (storable_number(entry.get(f"width_{s}")), storable_number(entry.get(f"height_{s}")))
        for s in SIZES
    ]
    known_sizes = [(width, height) for width, height in sizes if width and height]
    return max(known_sizes, default=(None, None), key=lambda size: size[0] * size[1])

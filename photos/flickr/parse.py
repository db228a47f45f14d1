"""Reads Flickr's JSON, tolerantly, once, at the edge."""

import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeGuard

from photos.flickr.errors import UnreadableError, refusal
from photos.flickr.hosts import current
from photos.flickr.photo import FlickrPhoto, Page, Rejected, Taken
from photos.flickr.text import count, line, markup, whole

TITLE_MAX = 255
NAME_MAX = 255
DESCRIPTION_MAX = 20_000
TAGS_MAX = 75
"""Flickr's own limit of tags for one photo."""

SIZES = ("z", "c", "l", "m", "n", "q")
"""For a thumbnail of 640: the exact size, then larger ones, then smaller ones."""

_ENVELOPE = re.compile(r"\s*json\w+\((.*)\)\s*;?\s*", re.DOTALL)
_ESCAPES = re.compile(r"\\(.)", re.DOTALL)
_ID = re.compile(r"\d{1,20}", re.ASCII)
_NSID = re.compile(r"\d{1,15}@N\d{2}", re.ASCII)
_ALIAS = re.compile(r"[\w-]{1,64}", re.ASCII)
_TAKEN = re.compile(r"(\d{4}-\d\d-\d\d)[ T](\d\d:\d\d:\d\d)", re.ASCII)


class NotAPhotoError(ValueError):
    """An entry lacks what every photo has; the text is for people."""


def document(body: bytes) -> dict[str, Any]:
    """The JSON object in an answer, with or without the call around it."""
    text = body.decode("utf-8", "replace")
    if match := _ENVELOPE.fullmatch(text):
        text = match[1]
    found = _loaded(text)
    if not isinstance(found, dict):
        raise UnreadableError
    return found


def _loaded(text: str) -> Any:
    for attempt in (text, _ESCAPES.sub(_repaired, text)):
        try:
            return json.loads(attempt, strict=False)
        except (ValueError, RecursionError):
            continue
    raise UnreadableError


def _repaired(escape: re.Match[str]) -> str:
    r"""Feeds of before 2017 wrote \' for ', which JSON does not have. The pair \\ stays whole."""
    return "'" if escape[1] == "'" else escape[0]


def success(body: bytes) -> dict[str, Any]:
    """The document of a REST answer, unless it says that the call failed."""
    found = document(body)
    if found.get("stat") == "ok":
        return found
    if found.get("stat") == "fail":
        code = whole(found.get("code"))
        raise refusal(-1 if code is None else code, str(found.get("message", "")))
    raise UnreadableError


def page(found: dict[str, Any], *, site: str) -> Page:
    envelope = found.get("photos")
    if not isinstance(envelope, dict):
        raise UnreadableError
    entries = envelope.get("photo", [])
    if not isinstance(entries, list):
        raise UnreadableError
    stills = [one for one in entries if not (isinstance(one, dict) and one.get("media") == "video")]
    photos, rejected = sorted_out(stills, lambda entry: photo(entry, site=site))
    return Page(
        photos=photos,
        rejected=rejected,
        entries=len(entries),
        number=whole(envelope.get("page")) or 1,
        pages=whole(envelope.get("pages")) or 0,
        total=whole(envelope.get("total")) or 0,
    )


def sorted_out(
    entries: Iterable[Any], read: Callable[[dict[str, Any]], FlickrPhoto]
) -> tuple[tuple[FlickrPhoto, ...], tuple[Rejected, ...]]:
    """What can be read, each id once, and what cannot."""
    photos: dict[str, FlickrPhoto] = {}
    rejected = []
    for place, entry in enumerate(entries, start=1):
        if not isinstance(entry, dict):
            rejected.append(Rejected(key=f"entry-{place}", title="", reason="It is not a photo."))
            continue
        try:
            one = read(entry)
        except NotAPhotoError as error:
            key = line(entry.get("id"), longest=40) or f"entry-{place}"
            title = line(entry.get("title"), longest=TITLE_MAX)
            rejected.append(Rejected(key=key, title=title, reason=str(error)))
        else:
            photos.setdefault(one.id, one)
    return tuple(photos.values()), tuple(rejected)


def photo(entry: dict[str, Any], *, site: str) -> FlickrPhoto:
    photo_id, owner = identity(entry.get("id"), entry.get("owner"))
    width, height = _largest(entry)
    alias = entry.get("pathalias")
    description = entry.get("description")
    if isinstance(description, dict):
        description = description.get("_content")
    return FlickrPhoto(
        id=photo_id,
        title=line(entry.get("title"), longest=TITLE_MAX),
        description=markup(description, longest=DESCRIPTION_MAX),
        owner_nsid=owner,
        owner_name=line(entry.get("ownername"), longest=NAME_MAX),
        licence=count(entry.get("license")),
        taken=taken(
            entry.get("datetaken"),
            granularity=whole(entry.get("datetakengranularity")) or 0,
            unknown=whole(entry.get("datetakenunknown")) == 1,
        ),
        uploaded_at=_uploaded(entry.get("dateupload")),
        tags=tag_list(entry.get("tags")),
        page_url=page_url(site, slug=alias if is_alias(alias) else owner, photo_id=photo_id),
        image_urls=_image_urls(entry),
        width=width,
        height=height,
    )


def identity(photo_id: Any, owner: Any) -> tuple[str, str]:
    found = str(photo_id) if isinstance(photo_id, int | str) else ""
    if not _ID.fullmatch(found):
        raise NotAPhotoError("It has no id.")
    if not isinstance(owner, str) or not _NSID.fullmatch(owner):
        raise NotAPhotoError("It has no owner.")
    return found, owner


def is_alias(value: Any) -> TypeGuard[str]:
    return isinstance(value, str) and _ALIAS.fullmatch(value) is not None


def page_url(site: str, *, slug: str, photo_id: str) -> str:
    return f"{site}/photos/{slug}/{photo_id}/"


def tag_list(value: Any) -> tuple[str, ...]:
    words = line(value, longest=5_000).split(" ")
    return tuple(dict.fromkeys(word for word in words if word))[:TAGS_MAX]


def taken(value: Any, *, granularity: int = 0, unknown: bool = False) -> Taken:
    """The owner's own clock: whatever zone is written behind it is bogus and dropped."""
    match = _TAKEN.match(value) if isinstance(value, str) else None
    if match is None or unknown:
        return Taken(local="")
    local = f"{match[1]} {match[2]}"
    try:
        datetime.strptime(local, "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - it has no zone
    except ValueError:  # "0000-00-00 00:00:00" among others
        return Taken(local="")
    return Taken(local=local, granularity=granularity if granularity in (0, 4, 6, 8) else 0)


def _uploaded(value: Any) -> datetime:
    seconds = whole(value)
    if seconds is None or not 0 < seconds < 253_402_300_800:  # the end of the year 9999
        raise NotAPhotoError("It has no date of upload.")
    return datetime.fromtimestamp(seconds, tz=UTC)


def _image_urls(entry: dict[str, Any]) -> tuple[str, ...]:
    urls = [entry.get(f"url_{size}") for size in SIZES]
    found = tuple(current(url) for url in urls if isinstance(url, str) and url)
    if not found:
        raise NotAPhotoError("It has no picture that may be downloaded.")
    return found


def _largest(entry: dict[str, Any]) -> tuple[int | None, int | None]:
    sizes = [(count(entry.get(f"width_{s}")), count(entry.get(f"height_{s}"))) for s in SIZES]
    known = [(wide, high) for wide, high in sizes if wide and high]
    return max(known, default=(None, None), key=lambda size: size[0] * size[1])

"""The JSON of one photo in the REST API, with the requested extras."""

from typing import Any

from photos.sandbox.catalogue import SandboxPhoto
from photos.sandbox.pictures import SQUARES, SUFFIXES, size_of

SQUARE_NAMES = {"sq": "s", "q": "q"}


def photo_json(photo: SandboxPhoto, *, extras: frozenset[str], origin: str) -> dict[str, Any]:
    """Every third photo has strings instead of numbers, as Flickr's responses of some years."""
    as_text = photo.number % 3 == 0
    fields: dict[str, Any] = {
        "id": photo.id,
        "owner": photo.owner.nsid,
        "secret": photo.secret,
        "server": "65535",
        "farm": 66,
        "title": photo.title,
        "ispublic": 1,
        "isfriend": 0,
        "isfamily": 0,
    }
    for extra, keys in _extras(photo, as_text=as_text).items():
        if extra in extras:
            fields |= keys
    for name, suffix in _suffixes().items():
        size = size_of(photo, suffix) if f"url_{name}" in extras else None
        if size is not None:
            fields |= _size(photo, name=name, suffix=suffix, size=size, origin=origin)
    return fields


def _extras(photo: SandboxPhoto, *, as_text: bool) -> dict[str, dict[str, Any]]:
    taken: dict[str, Any] = {
        "datetaken": photo.taken,
        "datetakengranularity": str(photo.granularity) if as_text else photo.granularity,
    }
    if photo.is_taken_unknown or not as_text:
        taken["datetakenunknown"] = "1" if photo.is_taken_unknown else 0
    realname = {} if photo.owner.realname is None else {"realname": photo.owner.realname}
    return {
        "description": {"description": {"_content": photo.description}},
        "license": {"license": str(photo.licence)},
        "date_upload": {"dateupload": str(photo.uploaded)},
        "last_update": {"lastupdate": str(photo.uploaded + 60)},
        "date_taken": taken,
        "owner_name": {"ownername": photo.owner.name, **realname},
        "path_alias": {"pathalias": photo.owner.alias or (None if as_text else "")},
        "tags": {"tags": " ".join(photo.tags)},
        "media": {"media": "photo", "media_status": "ready"},
    }


def _suffixes() -> dict[str, str]:
    return {name: suffix for suffix, name in SUFFIXES.items()} | SQUARE_NAMES


def _size(
    photo: SandboxPhoto, *, name: str, suffix: str, size: tuple[int, int], origin: str
) -> dict[str, Any]:
    ending = f"_{suffix}" if suffix else ""
    wide, high = size
    as_text = suffix in SQUARES or photo.number % 3 == 0
    return {
        f"url_{name}": f"{origin}/65535/{photo.id}_{photo.secret}{ending}.jpg",
        f"width_{name}": str(wide) if as_text else wide,
        f"height_{name}": str(high) if as_text and photo.number % 2 else high,
    }

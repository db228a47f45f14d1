"""One photo as REST's JSON has it, with the extras that were asked for."""

from typing import Any

from photos.sandbox.catalogue import SandboxPhoto
from photos.sandbox.pictures import SQUARES, SUFFIXES, size_of

SQUARE_NAMES = {"sq": "s", "q": "q"}


def described(one: SandboxPhoto, *, extras: frozenset[str], origin: str) -> dict[str, Any]:
    """Every third photo has its numbers as strings, as answers of some years had."""
    as_text = one.number % 3 == 0
    photo: dict[str, Any] = {
        "id": one.id,
        "owner": one.owner.nsid,
        "secret": one.secret,
        "server": "65535",
        "farm": 66,
        "title": one.title,
        "ispublic": 1,
        "isfriend": 0,
        "isfamily": 0,
    }
    for extra, keys in _extras(one, as_text=as_text).items():
        if extra in extras:
            photo |= keys
    for name, suffix in _suffixes().items():
        size = size_of(one, suffix) if f"url_{name}" in extras else None
        if size is not None:
            photo |= _size(one, name=name, suffix=suffix, size=size, origin=origin)
    return photo


def _extras(one: SandboxPhoto, *, as_text: bool) -> dict[str, dict[str, Any]]:
    taken: dict[str, Any] = {
        "datetaken": one.taken,
        "datetakengranularity": str(one.granularity) if as_text else one.granularity,
    }
    if one.taken_unknown or not as_text:
        taken["datetakenunknown"] = "1" if one.taken_unknown else 0
    realname = {} if one.owner.realname is None else {"realname": one.owner.realname}
    return {
        "description": {"description": {"_content": one.description}},
        "license": {"license": str(one.licence)},
        "date_upload": {"dateupload": str(one.uploaded)},
        "last_update": {"lastupdate": str(one.uploaded + 60)},
        "date_taken": taken,
        "owner_name": {"ownername": one.owner.name, **realname},
        "path_alias": {"pathalias": one.owner.alias or (None if as_text else "")},
        "tags": {"tags": " ".join(one.tags)},
        "media": {"media": "photo", "media_status": "ready"},
    }


def _suffixes() -> dict[str, str]:
    return {name: suffix for suffix, name in SUFFIXES.items()} | SQUARE_NAMES


def _size(
    one: SandboxPhoto, *, name: str, suffix: str, size: tuple[int, int], origin: str
) -> dict[str, Any]:
    ending = f"_{suffix}" if suffix else ""
    wide, high = size
    as_text = suffix in SQUARES or one.number % 3 == 0
    return {
        f"url_{name}": f"{origin}/65535/{one.id}_{one.secret}{ending}.jpg",
        f"width_{name}": str(wide) if as_text else wide,
        f"height_{name}": str(high) if as_text and one.number % 2 else high,
    }

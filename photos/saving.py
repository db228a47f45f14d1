"""Writes what was read of Flickr to the database, a page in one transaction."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from photos import licences
from photos.flickr.api import LicenceInfo
from photos.flickr.photo import FlickrPhoto
from photos.html_cleaning import clean_html
from photos.models import ImportMark, Licence, Photo

_SECRET: Final = re.compile(r"/(\d{1,20}_[0-9a-f]{1,40})(?:_[a-z0-9]+)?\.\w+$")

NEW: Final = "new"
UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
FAILED: Final = "failed"
OUTCOMES: Final = (NEW, UPDATED, UNCHANGED, FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A photo whose row is saved; `outcome` holds once its picture, if it needs one, is had.

    It is then new for one import alone, however many fetch it: for the one that brings it first.
    """

    flickr_id: str
    title: str
    outcome: str
    image_urls: tuple[str, ...] = ()
    """Empty when the thumbnail that it has will do."""
    picture: str = ""
    """Which picture is at these addresses."""
    thumbnail_url: str = ""
    thumbnail: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    tags: str
    """Whose import it is: the tags of its searches."""


@dataclass(slots=True)
class _Merge:
    known: dict[str, Photo]
    new: list[Photo] = field(default_factory=list)
    changed: list[Photo] = field(default_factory=list)
    saved: list[Saved] = field(default_factory=list)


def unknown_licences(photos: Iterable[FlickrPhoto]) -> set[int]:
    """Those that Flickr has to be asked about; the well-known ones are added without."""
    named = {one.licence for one in photos if one.licence is not None}
    new = named - set(Licence.objects.filter(pk__in=named).values_list("pk", flat=True))
    add_licences(new & licences.KNOWN.keys(), told=())
    return new - licences.KNOWN.keys()


def add_licences(numbers: Iterable[int], told: Iterable[LicenceInfo]) -> None:
    """Licences are data: one that even Flickr does not explain is kept by its number."""
    explained = licences.KNOWN | {one.number: (one.name, one.url) for one in told if one.name}
    rows = []
    for number in sorted(numbers):  # the order in which others that add them wait
        name, url = explained.get(number, (f"Licence {number} of Flickr", ""))
        rows.append(Licence(number=number, name=name, url=url))
    Licence.objects.bulk_create(rows, ignore_conflicts=True)


def save_page(photos: Iterable[FlickrPhoto], *, mark: Mark | None = None) -> list[Saved]:
    """Insert and update; the mark, if given, moves to the newest of them in the same commit."""
    page = list(photos)
    ids = [one.id for one in page]
    with transaction.atomic():
        known = Photo.objects.filter(flickr_id__in=ids).in_bulk(field_name="flickr_id")
        merge = _Merge(known)
        for one in page:
            _merge(one, merge)
        # Another import may be saving the same photos: in one order, neither waits for a row of
        # the other's that waits for it.
        new = sorted(merge.new, key=lambda one: one.flickr_id)
        Photo.objects.bulk_create(new, ignore_conflicts=True)
        Photo.objects.seen(ids, at=timezone.now())  # Before the changes: it locks all the rows.
        if merge.changed:
            written = [*_values(page[0]), "gone_at", "picture_tries"]
            Photo.objects.bulk_update(merge.changed, written)
        if mark and page:
            move_mark(mark, to=max(one.uploaded_at for one in page))
    return merge.saved


def move_mark(mark: Mark, *, to: datetime) -> None:
    """Forward, never back: two imports of the same tags may overlap."""
    row, _ = ImportMark.objects.get_or_create(tags=mark.tags, defaults={"uploaded_at": to})
    if row.uploaded_at < to:
        row.uploaded_at = to
        row.save(update_fields=["uploaded_at", "updated_at"])


def waiting_for_pictures(limit: int, *, besides: Iterable[str]) -> list[Saved]:
    """Photos of earlier imports that were left without one, or with one since replaced."""
    photos = Photo.objects.without_picture().exclude(flickr_id__in=list(besides))
    return [_to_fetch(one) for one in photos[:limit]]


def failed_before(flickr_ids: Iterable[str]) -> list[Saved]:
    """Those of these photos that are known, to be tried again."""
    photos = Photo.objects.filter(flickr_id__in=list(flickr_ids)).newest_first()
    return [_to_fetch(one) for one in photos]


def _merge(one: FlickrPhoto, merge: _Merge) -> None:
    values = _values(one)
    photo = merge.known.get(one.id)
    if photo is None:
        photo = Photo(flickr_id=one.id, **values)
        merge.new.append(photo)
        merge.saved.append(_saved(photo, NEW, needs_picture=True))
        return
    other_picture = photo.picture != values["picture"]
    if not other_picture:
        values["image_urls"] = photo.image_urls
    # What this source does not tell, another may have told.
    told = {name: value for name, value in values.items() if value not in (None, "", [])}
    changed = any(getattr(photo, name) != value for name, value in told.items())
    if changed:
        for name, value in told.items():
            setattr(photo, name, value)
        if other_picture:
            photo.gone_at, photo.picture_tries = None, 0
        merge.changed.append(photo)
    if photo.gone_at is None and not photo.has_its_picture:
        merge.saved.append(_to_fetch(photo))
    else:
        merge.saved.append(_saved(photo, UPDATED if changed else UNCHANGED, needs_picture=False))


def _to_fetch(photo: Photo) -> Saved:
    return _saved(photo, UPDATED if photo.thumbnail else NEW, needs_picture=True)


def _saved(photo: Photo, outcome: str, *, needs_picture: bool) -> Saved:
    return Saved(
        flickr_id=photo.flickr_id,
        title=photo.shown_title,
        outcome=outcome,
        image_urls=tuple(photo.image_urls) if needs_picture else (),
        picture=photo.picture,
        thumbnail_url=photo.thumbnail_url,
        thumbnail=photo.thumbnail,
    )


def _values(one: FlickrPhoto) -> dict[str, Any]:
    return {
        "title": one.title,
        "description": clean_html(one.description),
        "owner_nsid": one.owner_nsid,
        "owner_name": one.owner_name,
        "licence_id": one.licence,
        "taken": one.taken.local,
        "taken_granularity": one.taken.granularity,
        "uploaded_at": one.uploaded_at,
        "tags": list(one.tags),
        "page_url": one.page_url,
        "image_urls": list(one.image_urls),
        "picture": _secret(one.image_urls),
        "width": one.width,
        "height": one.height,
    }


def _secret(image_urls: Iterable[str]) -> str:
    """What all sizes of a picture share, and changes when the owner replaces the picture."""
    for url in image_urls:
        if match := _SECRET.search(url):
            return match[1]
    return ""

"""Saves photos that were read from Flickr: each page in one transaction.

Called by `ImportRun` in a thread. It never sends a request.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from photos.flickr.photo import FlickrPhoto
from photos.html_cleaning import clean_html
from photos.models import ImportMark, Photo

_PICTURE_NAME: Final = re.compile(r"/(\d{1,20}_[0-9a-f]{1,40})(?:_[a-z0-9]+)?\.\w+$")

NEW: Final = "new"
UPDATED: Final = "updated"
UNCHANGED: Final = "unchanged"
FAILED: Final = "failed"
OUTCOMES: Final = (NEW, UPDATED, UNCHANGED, FAILED)


_SET_BY_IMPORT: Final = (
    "gone_at",
    "picture_tries",
    "picture_tried_at",
    "import_job",
    "import_outcome",
    "imported_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPhoto:
    """A photo whose row is saved, and whose picture may still have to be downloaded."""

    flickr_id: str
    title: str
    outcome: str
    """The outcome of the import if the picture is downloaded or not needed.

    If several imports download a new photo, only the first that saves its thumbnail reports "new".
    """
    image_urls: tuple[str, ...] = ()
    """Empty if the photo needs no other thumbnail."""
    picture: str = ""
    """The name of the picture at these URLs."""
    thumbnail_url: str = ""
    thumbnail: str = ""


@dataclass(frozen=True, slots=True)
class Mark:
    """Names the `ImportMark` of the scheduled import."""

    tags: str
    """The tags for which that import searches, with commas between them."""


@dataclass(slots=True)
class _PageChanges:
    known: dict[str, Photo]
    new: list[Photo] = field(default_factory=list)
    changed: list[Photo] = field(default_factory=list)
    saved: list[SavedPhoto] = field(default_factory=list)

    def add(self, flickr_photo: FlickrPhoto) -> None:
        values = _values(flickr_photo)
        photo = self.known.get(flickr_photo.id)
        if photo is None:
            photo = Photo(flickr_id=flickr_photo.id, **values)
            self.new.append(photo)
            self.saved.append(_saved_photo(photo, NEW, needs_picture=True))
            return
        is_changed = _apply(photo, values)
        if is_changed:
            self.changed.append(photo)
        if photo.may_try_picture and not photo.has_its_picture:
            self.saved.append(_photo_to_download(photo))
        else:
            outcome = UPDATED if is_changed else UNCHANGED
            self.saved.append(_saved_photo(photo, outcome, needs_picture=False))


def save_page(
    photos: Iterable[FlickrPhoto], *, mark: Mark | None = None, job_id: UUID | None = None
) -> list[SavedPhoto]:
    """Insert and update the photos; move the mark, if given, in the same transaction.

    `job_id` is saved in the photos that change, as the import that changed them.
    """
    page = list(photos)
    ids = [photo.id for photo in page]
    with transaction.atomic():
        changes = _PageChanges(
            Photo.objects.filter(flickr_id__in=ids).in_bulk(field_name="flickr_id")
        )
        for photo in page:
            changes.add(photo)
        # Always in the same order, so that two imports that save the same photos cannot deadlock.
        new = sorted(changes.new, key=lambda photo: photo.flickr_id)
        Photo.objects.bulk_create(new, ignore_conflicts=True)
        # Before the changes, because it locks all the rows in order.
        Photo.objects.mark_seen(ids, at=timezone.now())
        if changes.changed:
            for changed in changes.changed:
                changed.import_job, changed.import_outcome = job_id, UPDATED
                changed.imported_at = timezone.now()
            Photo.objects.bulk_update(changes.changed, [*_values(page[0]), *_SET_BY_IMPORT])
        if mark and page:
            move_mark(mark, to=max(photo.uploaded_at for photo in page))
    return changes.saved


def move_mark(mark: Mark, *, to: datetime) -> None:
    """Move the mark forward, never back: two imports with the same tags may overlap."""
    row, _ = ImportMark.objects.get_or_create(tags=mark.tags, defaults={"uploaded_at": to})
    if row.uploaded_at < to:
        row.uploaded_at = to
        row.save(update_fields=["uploaded_at", "updated_at"])


def photos_without_picture(limit: int, *, besides: Iterable[str]) -> list[SavedPhoto]:
    """Photos of earlier imports without a thumbnail, or with one of a picture since replaced."""
    photos = Photo.objects.without_picture().exclude(flickr_id__in=list(besides))
    return [_photo_to_download(photo) for photo in photos[:limit]]


def photos_done_by(job_id: UUID, *, since: datetime) -> list[SavedPhoto]:
    """The photos that this import has completed, each with its outcome then."""
    return [
        _saved_photo(photo, photo.import_outcome, needs_picture=False)
        for photo in Photo.objects.imported_by(job_id, since=since)
    ]


def photos_to_retry(flickr_ids: Iterable[str]) -> list[SavedPhoto]:
    """The photos with these ids that are in the database."""
    photos = Photo.objects.filter(flickr_id__in=list(flickr_ids)).newest_first()
    return [_photo_to_download(photo) for photo in photos]


def _apply(photo: Photo, values: dict[str, Any]) -> bool:
    """Set the values that differ; return whether there are any."""
    is_other_picture = photo.picture != values["picture"]
    if not is_other_picture and photo.has_its_picture:
        values["image_urls"] = photo.image_urls
    # Never overwrite a value with an empty one: the feed names less than the API.
    given = {name: value for name, value in values.items() if value not in (None, "", [])}
    if all(getattr(photo, name) == value for name, value in given.items()):
        return False
    for name, value in given.items():
        setattr(photo, name, value)
    if is_other_picture:
        photo.gone_at, photo.picture_tries, photo.picture_tried_at = None, 0, None
    return True


def _photo_to_download(photo: Photo) -> SavedPhoto:
    return _saved_photo(photo, UPDATED if photo.thumbnail else NEW, needs_picture=True)


def _saved_photo(photo: Photo, outcome: str, *, needs_picture: bool) -> SavedPhoto:
    return SavedPhoto(
        flickr_id=photo.flickr_id,
        title=photo.shown_title,
        outcome=outcome,
        image_urls=tuple(photo.image_urls) if needs_picture else (),
        picture=photo.picture,
        thumbnail_url=photo.thumbnail_url,
        thumbnail=photo.thumbnail,
    )


def _values(photo: FlickrPhoto) -> dict[str, Any]:
    return {
        "title": photo.title,
        "description": clean_html(photo.description),
        "owner_nsid": photo.owner_nsid,
        "owner_name": photo.owner_name,
        "licence_id": photo.licence,
        "taken": photo.taken.local,
        "taken_granularity": photo.taken.granularity,
        "uploaded_at": photo.uploaded_at,
        "tags": list(photo.tags),
        "page_url": photo.page_url,
        "image_urls": list(photo.image_urls),
        "picture": _picture_name(photo.image_urls),
        "width": photo.width,
        "height": photo.height,
    }


def _picture_name(image_urls: Iterable[str]) -> str:
    """The part that the URLs of all sizes share; it changes if the owner replaces the picture."""
    for url in image_urls:
        if match := _PICTURE_NAME.search(url):
            return match[1]
    return ""

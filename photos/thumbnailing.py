"""Gets the thumbnail of one photo: downloads its picture, stores the file, updates the row.

Called by `ImportRun` for each photo. An error becomes the outcome of that photo and never ends the
import. `thumbnail_image` reduces the picture; `thumbnail_files` stores it.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from photos import thumbnail_files
from photos.flickr.downloads import Downloads
from photos.flickr.errors import PictureError, PictureGoneError, PictureLaterError
from photos.models import Photo
from photos.saving import FAILED, NEW, UNCHANGED, SavedPhoto

log: Final = logging.getLogger(__name__)

UNEXPECTED_ERROR: Final = "This site had an unexpected error with this photo."


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoOutcome:
    flickr_id: str
    title: str
    outcome: str
    detail: str = ""
    thumbnail_url: str = ""


async def get_thumbnail(
    photo: SavedPhoto, *, downloads: Downloads, job_id: UUID | None = None
) -> PhotoOutcome:
    """Get the thumbnail if the photo needs one. `job_id` is saved as the import that got it."""
    if not photo.image_urls:
        return _outcome(photo, photo.outcome, thumbnail_url=photo.thumbnail_url)
    try:
        picture = await downloads.get(photo.image_urls)
        thumbnail = await asyncio.to_thread(thumbnail_files.save, photo.flickr_id, picture)
        outcome = await _update_row(photo, thumbnail, job_id=job_id)
    except PictureError as error:
        await _update_row_after_failure(photo, error)
        return _outcome(photo, FAILED, detail=str(error))
    except Exception:
        log.exception("Could not make the thumbnail of photo %s.", photo.flickr_id)
        return _outcome(photo, FAILED, detail=UNEXPECTED_ERROR)
    url = reverse("photos:thumbnail", args=[photo.flickr_id, thumbnail.digest])
    return _outcome(photo, outcome, thumbnail_url=url)


async def _update_row(
    photo: SavedPhoto, thumbnail: thumbnail_files.Thumbnail, *, job_id: UUID | None
) -> str:
    """Return the outcome: "new" if the photo had no thumbnail before.

    If several imports get the same photo, the conditional UPDATE succeeds in one of them only. The
    same UPDATE saves the import and its outcome, so that they are known even if the worker is
    killed before the ledger is saved.
    """
    row = Photo.objects.filter(flickr_id=photo.flickr_id)
    values: dict[str, Any] = {
        "thumbnail": thumbnail.digest,
        "thumbnail_of": photo.picture,
        "thumbnail_width": thumbnail.width,
        "thumbnail_height": thumbnail.height,
        "picture_tries": 0,
        "picture_tried_at": None,
        "gone_at": None,
    }
    import_values = {"import_job": job_id, "imported_at": timezone.now()}
    outcome = NEW
    if not await row.filter(thumbnail="").aupdate(**values, **import_values, import_outcome=NEW):
        outcome = UNCHANGED if photo.outcome == NEW else photo.outcome
        if outcome != UNCHANGED:
            values |= {**import_values, "import_outcome": outcome}
        await row.aupdate(**values)
    if photo.thumbnail != thumbnail.digest:
        await asyncio.to_thread(thumbnail_files.remove, photo.flickr_id, photo.thumbnail)
    return outcome


async def _update_row_after_failure(photo: SavedPhoto, error: PictureError) -> None:
    """Count the try, and hide a photo whose picture was deleted."""
    if isinstance(error, PictureLaterError):
        return
    is_gone = isinstance(error, PictureGoneError)
    now = timezone.now()
    hidden: dict[str, Any] = {"gone_at": now, "thumbnail": ""} if is_gone else {}
    row = Photo.objects.filter(flickr_id=photo.flickr_id)
    await row.aupdate(picture_tries=F("picture_tries") + 1, picture_tried_at=now, **hidden)
    if is_gone:
        await asyncio.to_thread(thumbnail_files.remove, photo.flickr_id, photo.thumbnail)


def _outcome(
    photo: SavedPhoto, outcome: str, *, detail: str = "", thumbnail_url: str = ""
) -> PhotoOutcome:
    return PhotoOutcome(
        flickr_id=photo.flickr_id,
        title=photo.title,
        outcome=outcome,
        detail=detail,
        thumbnail_url=thumbnail_url,
    )

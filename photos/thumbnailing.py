"""Gets one photo its thumbnail; whatever happens, it is that photo's outcome and no more."""

import asyncio
import logging
from dataclasses import dataclass
from typing import Final

from django.db.models import F
from django.urls import reverse
from django.utils import timezone

from photos import thumbnail_files
from photos.flickr.downloads import Downloads
from photos.flickr.errors import PictureError, PictureGoneError, PictureLaterError
from photos.models import Photo
from photos.saving import FAILED, NEW, UNCHANGED, Saved

log: Final = logging.getLogger(__name__)

OURS: Final = "Something unexpected went wrong with this photo, on this site's side."


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    flickr_id: str
    title: str
    word: str
    detail: str = ""
    thumbnail_url: str = ""


async def finish(saved: Saved, *, downloads: Downloads) -> Outcome:
    if not saved.image_urls:
        return _outcome(saved, saved.outcome, thumbnail_url=saved.thumbnail_url)
    try:
        picture = await downloads.get(saved.image_urls)
        made = await asyncio.to_thread(thumbnail_files.save, saved.flickr_id, picture)
        is_first = await _keep(saved, made)
    except PictureError as error:
        await _note(saved, error)
        return _outcome(saved, FAILED, detail=str(error))
    except Exception:
        log.exception("Photo %s", saved.flickr_id)
        return _outcome(saved, FAILED, detail=OURS)
    word = NEW if is_first else UNCHANGED if saved.outcome == NEW else saved.outcome
    return _outcome(saved, word, thumbnail_url=_url(saved.flickr_id, made.digest))


async def _keep(saved: Saved, made: thumbnail_files.Thumbnail) -> bool:
    """Whether the photo had none: of several imports that fetch it, one UPDATE finds it so."""
    photo = Photo.objects.filter(flickr_id=saved.flickr_id)
    values = {
        "thumbnail": made.digest,
        "thumbnail_of": saved.picture,
        "thumbnail_width": made.width,
        "thumbnail_height": made.height,
        "picture_tries": 0,
        "gone_at": None,
    }
    is_first = bool(await photo.filter(thumbnail="").aupdate(**values))
    if not is_first:
        await photo.aupdate(**values)
    if saved.thumbnail != made.digest:
        await asyncio.to_thread(thumbnail_files.remove, saved.flickr_id, saved.thumbnail)
    return is_first


async def _note(saved: Saved, error: PictureError) -> None:
    """A picture that is gone is not shown any more; one that cannot be read is tried anew."""
    photo = Photo.objects.filter(flickr_id=saved.flickr_id)
    if isinstance(error, PictureGoneError):
        await photo.aupdate(gone_at=timezone.now(), thumbnail="")
        await asyncio.to_thread(thumbnail_files.remove, saved.flickr_id, saved.thumbnail)
    elif not isinstance(error, PictureLaterError):
        await photo.aupdate(picture_tries=F("picture_tries") + 1)


def _outcome(saved: Saved, word: str, *, detail: str = "", thumbnail_url: str = "") -> Outcome:
    return Outcome(
        flickr_id=saved.flickr_id,
        title=saved.title,
        word=word,
        detail=detail,
        thumbnail_url=thumbnail_url,
    )


def _url(flickr_id: str, digest: str) -> str:
    return reverse("photos:thumbnail", args=[flickr_id, digest])

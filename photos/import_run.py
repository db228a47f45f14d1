"""ImportRun: reads photos from Flickr page by page, then gets a thumbnail for each of them.

A run that continues an earlier one skips the items that the ledger records as done. If the earlier
run ended with failed photos, the new run gets only those.
"""

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from asgiref.sync import sync_to_async

from photos import licence_saving, saving
from photos.concurrently import concurrently
from photos.flickr.downloads import Downloads
from photos.flickr.errors import FlickrError
from photos.flickr.photo import FlickrPhoto, Page, PhotoQuery, RejectedEntry
from photos.flickr.sources import EMPTY_PAGE, Source
from photos.saving import FAILED, OUTCOMES, Mark, SavedPhoto
from photos.thumbnailing import PhotoOutcome, get_thumbnail
from realtime.progress import Progress
from realtime.states import ItemState

READING: Final = "Reading Flickr"
SAVING: Final = "Saving photos"
PHASES: Final = ((READING, 1), (SAVING, 9))

UNREADABLE: Final = "Flickr's data of this photo could not be read."

READING_FAILED: Final = "Flickr's list could not be read to its end. These are the photos before."

CONCURRENT_DOWNLOADS: Final = 4
"""Flickr limits the rate if many more pictures are downloaded at the same time."""


@dataclass(slots=True, kw_only=True)
class ImportRun:
    progress: Progress
    source: Source
    downloads: Downloads
    query: PhotoQuery
    mark: Mark | None = None
    """Set for the scheduled import, which moves the mark and also gets missing thumbnails."""
    notes: list[str] = field(default_factory=list)
    """Sentences for the job's page, which stay when other messages end."""
    _reading_error: FlickrError | None = None

    async def run(self) -> dict[str, int]:
        failed_ids = self.progress.keys(ItemState.PENDING)
        if self.progress.job.attempt > 1:
            await self._record_unsaved()
        with self.progress.phase(READING, unit="photo"):
            photos = await (self._load_failed(failed_ids) if failed_ids else self._read())
        with self.progress.phase(SAVING, total=len(photos), unit="photo"):
            await self._get_thumbnails(await self._record_complete(photos))
        if self._reading_error is not None:
            raise self._reading_error
        counts = self.progress.counts()
        return {outcome: counts.get(outcome, 0) for outcome in OUTCOMES}

    async def _record_unsaved(self) -> None:
        """Record the photos that an attempt completed whose worker was killed before it saved them.

        They belong to this run of the job, which began when the job was queued.
        """
        done_ids, job = self.progress.keys(), self.progress.job
        photos = await sync_to_async(saving.photos_done_by)(job.pk, since=job.queued_at)
        for photo in photos:
            if photo.flickr_id not in done_ids:
                self._record(await self._get_thumbnail(photo))

    async def _load_failed(self, failed_ids: frozenset[str]) -> list[SavedPhoto]:
        ids = failed_ids - self.progress.keys()
        photos = await sync_to_async(saving.photos_to_retry)(ids)
        for key in ids - {photo.flickr_id for photo in photos}:
            self.progress.item(key, FAILED, state=ItemState.FAILED, label=key, detail=UNREADABLE)
        return photos

    async def _record_complete(self, photos: list[SavedPhoto]) -> list[SavedPhoto]:
        """Record the photos that need no picture; return those that need one.

        The ledger already has the photos that an earlier attempt has done.
        """
        done_ids = self.progress.keys()
        pending = []
        for photo in photos:
            if photo.flickr_id in done_ids:
                continue
            if photo.image_urls:
                pending.append(photo)
            else:
                self._record(await self._get_thumbnail(photo))
        self.progress.skip(len(photos) - len(pending))
        return pending

    async def _get_thumbnails(self, photos: list[SavedPhoto]) -> None:
        outcomes = concurrently(self._get_thumbnail, photos, at_once=CONCURRENT_DOWNLOADS)
        async with aclosing(outcomes):
            async for outcome in outcomes:
                self._record(outcome)
                self.progress.advance()

    async def _read(self) -> list[SavedPhoto]:
        photos: dict[str, SavedPhoto] = {}
        upload_dates: list[datetime] = []
        try:
            await self._read_pages(photos, upload_dates)
        except FlickrError as error:
            if not photos:
                raise
            # The pages before are saved: their photos get their pictures before the import fails.
            self._reading_error = error
            self._add_note(READING_FAILED)
            return list(photos.values())
        if self.mark is not None:
            for photo in await self._finish_scheduled(self.mark, upload_dates, besides=photos):
                photos.setdefault(photo.flickr_id, photo)
        return list(photos.values())

    async def _read_pages(
        self, photos: dict[str, SavedPhoto], upload_dates: list[datetime]
    ) -> None:
        """Save all pages; add their photos to `photos`, and the dates to `upload_dates`."""
        pages = self.source.pages(self.query)
        async with aclosing(pages):
            async for page in pages:
                self._update_total(page)
                self._add_note(page.note)
                for entry in page.rejected:
                    self._record_rejected(entry)
                for photo in await self._save(page.photos):
                    photos.setdefault(photo.flickr_id, photo)
                upload_dates += page.upload_dates()
                self.progress.advance(len(page.photos) + len(page.rejected))

    def _add_note(self, text: str) -> None:
        if text and text not in self.notes:
            self.notes.append(text)
            self.progress.message = " ".join(self.notes)

    def _update_total(self, page: Page) -> None:
        """Flickr's total changes while its pages are read; the total that is shown only grows."""
        in_query = max(page.total, len(page.photos))
        expected = min(self.query.limit, in_query, self.source.max_photos)
        self.progress.total = max(self.progress.total or 0, expected)

    async def _save(self, photos: tuple[FlickrPhoto, ...]) -> list[SavedPhoto]:
        unknown_licences = await sync_to_async(licence_saving.unknown_licences)(photos)
        if unknown_licences:
            flickr_licences = await self.source.licences()
            await sync_to_async(licence_saving.add_licences)(unknown_licences, flickr_licences)
        # If the newest photos come first, the mark may only move when all pages are saved.
        mark = self.mark if self.query.oldest_first else None
        return await sync_to_async(saving.save_page)(photos, mark=mark, job_id=self.progress.job.pk)

    async def _finish_scheduled(
        self, mark: Mark, upload_dates: list[datetime], *, besides: Iterable[str]
    ) -> list[SavedPhoto]:
        """Move the mark behind the photos of this run; return photos still without a picture."""
        # After an empty page, photos older than the newest may be missing.
        is_complete = self.query.oldest_first or EMPTY_PAGE not in self.notes
        if upload_dates and is_complete:
            await sync_to_async(saving.move_mark)(mark, to=self._next_start(upload_dates))
        limit = self.query.limit
        return await sync_to_async(saving.photos_without_picture)(limit, besides=besides)

    def _next_start(self, upload_dates: list[datetime]) -> datetime:
        """The date of the newest photo, because more photos of that second may still come.

        If the photos of one second fill a whole import, the next import must start a second
        later, or it would read the same photos again.
        """
        newest, since = max(upload_dates), self.query.since
        is_full = self.query.oldest_first and len(upload_dates) >= self.query.limit
        if is_full and since is not None and newest <= datetime.fromtimestamp(since, tz=UTC):
            return newest + timedelta(seconds=1)
        return newest

    async def _get_thumbnail(self, photo: SavedPhoto) -> PhotoOutcome:
        job_id = self.progress.job.pk
        return await get_thumbnail(photo, downloads=self.downloads, job_id=job_id)

    def _record(self, outcome: PhotoOutcome) -> None:
        has_failed = outcome.outcome == FAILED
        self.progress.item(
            outcome.flickr_id,
            outcome.outcome,
            state=ItemState.FAILED if has_failed else ItemState.DONE,
            label=outcome.title,
            detail=outcome.detail,
            image=outcome.thumbnail_url,
        )

    def _record_rejected(self, entry: RejectedEntry) -> None:
        self.progress.item(
            entry.key,
            FAILED,
            state=ItemState.FAILED,
            label=entry.title or entry.key,
            detail=entry.reason,
        )

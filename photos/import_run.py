"""An import: reads Flickr page by page, then fetches the pictures, photo by photo.

Run again, it does what its ledger has not: all that is not done after a run that broke off, and
only what failed after one that came to its end.
"""

from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from asgiref.sync import sync_to_async

from photos import saving
from photos.concurrently import concurrently
from photos.flickr.downloads import Downloads
from photos.flickr.photo import FlickrPhoto, Page, Rejected, Request
from photos.flickr.sources import Source
from photos.saving import FAILED, OUTCOMES, Mark, Saved
from photos.thumbnailing import Outcome, finish
from realtime.progress import Progress
from realtime.states import ItemState

READING: Final = "Reading Flickr"
SAVING: Final = "Saving photos"
PHASES: Final = ((READING, 1), (SAVING, 9))

UNREADABLE: Final = "What Flickr told of it could not be read."

AT_ONCE: Final = 4
"""Pictures that are downloaded at the same time; Flickr minds many more."""


@dataclass(slots=True, kw_only=True)
class ImportRun:
    progress: Progress
    source: Source
    downloads: Downloads
    request: Request
    mark: Mark | None = None
    """Given, the import follows what is new since the last one."""

    async def run(self) -> dict[str, int]:
        failed = self.progress.keys(ItemState.PENDING)
        with self.progress.phase(READING, unit="photo"):
            work = await (self._again(failed) if failed else self._read())
        with self.progress.phase(SAVING, total=len(work), unit="photo"):
            await self._fetch(await self._pass_over(work))
        counts = self.progress.counts()
        return {word: counts.get(word, 0) for word in OUTCOMES}

    async def _again(self, ids: frozenset[str]) -> list[Saved]:
        work = await sync_to_async(saving.failed_before)(ids)
        for key in ids - {one.flickr_id for one in work}:
            self.progress.item(key, FAILED, state=ItemState.FAILED, label=key, detail=UNREADABLE)
        return work

    async def _pass_over(self, work: list[Saved]) -> list[Saved]:
        """Enter those that need no picture, which costs nothing; the others are returned."""
        done = self.progress.keys()  # by an earlier attempt, which has entered them
        left = [one for one in work if one.image_urls and one.flickr_id not in done]
        for one in work:
            if not one.image_urls and one.flickr_id not in done:
                self._enter(await self._finish(one))
        self.progress.skip(len(work) - len(left))
        return left

    async def _fetch(self, work: list[Saved]) -> None:
        outcomes = concurrently(self._finish, work, at_once=AT_ONCE)
        async with aclosing(outcomes):
            async for outcome in outcomes:
                self._enter(outcome)
                self.progress.advance()

    async def _read(self) -> list[Saved]:
        work: dict[str, Saved] = {}
        dates: list[datetime] = []
        pages = self.source.pages(self.request)
        async with aclosing(pages):
            async for page in pages:
                self._expect(page)
                for one in page.rejected:
                    self._reject(one)
                for saved in await self._save(page.photos):
                    work.setdefault(saved.flickr_id, saved)
                dates += [one.uploaded_at for one in page.photos]
                self.progress.advance(len(page.photos))
        for saved in await self._close(dates, done=work.keys()):
            work.setdefault(saved.flickr_id, saved)
        return list(work.values())

    def _expect(self, page: Page) -> None:
        """Flickr's total moves while it is read; what is shown of it does not go back."""
        expected = min(self.request.limit, max(page.total, len(page.photos)), self.source.most)
        self.progress.total = max(self.progress.total or 0, expected)

    def _reject(self, one: Rejected) -> None:
        self.progress.item(
            one.key, FAILED, state=ItemState.FAILED, label=one.title or one.key, detail=one.reason
        )

    async def _save(self, photos: tuple[FlickrPhoto, ...]) -> list[Saved]:
        unknown = await sync_to_async(saving.unknown_licences)(photos)
        if unknown:
            told = await self.source.licences()
            await sync_to_async(saving.add_licences)(unknown, told)
        # Newest first, the oldest come last: the mark has to wait until all are saved.
        mark = self.mark if self.request.oldest_first else None
        return await sync_to_async(saving.save_page)(photos, mark=mark)

    async def _close(self, dates: list[datetime], *, done: Iterable[str]) -> list[Saved]:
        """Move the mark past what was read, and take on what earlier imports left undone."""
        if self.mark is None:
            return []
        if dates:
            await sync_to_async(saving.move_mark)(self.mark, to=self._next_start(dates))
        limit = self.request.limit
        return await sync_to_async(saving.waiting_for_pictures)(limit, besides=done)

    def _next_start(self, dates: list[datetime]) -> datetime:
        """The newest of them, inclusive: photos of the same second may be still to come.

        When one second alone fills an import, though, the next would read the very same again.
        """
        newest, since = max(dates), self.request.since
        full = self.request.oldest_first and len(dates) >= self.request.limit
        if full and since is not None and newest <= datetime.fromtimestamp(since, tz=UTC):
            return newest + timedelta(seconds=1)
        return newest

    async def _finish(self, saved: Saved) -> Outcome:
        return await finish(saved, downloads=self.downloads)

    def _enter(self, outcome: Outcome) -> None:
        failed = outcome.word == FAILED
        self.progress.item(
            outcome.flickr_id,
            outcome.word,
            state=ItemState.FAILED if failed else ItemState.DONE,
            label=outcome.title,
            detail=outcome.detail,
            image=outcome.thumbnail_url,
        )

"""Downloads: the picture downloads of one import, with retries.

When Flickr limits the rate, all downloads of the import pause together. A picture that cannot be
downloaded raises a `PictureError`, which never ends the import.
"""

import asyncio

from photos.flickr.errors import PictureLaterError, SlowDownError, TransientError
from photos.flickr.pictures import PictureClient
from photos.flickr.retries import SLOW_AFTER_SECONDS, ShowMessage, backoff, when_slow

TRIES_MAX = 3
"""For one picture."""
PAUSES_MAX = 5
"""Without a successful download in between; then the other pictures wait for a later import."""
FAILURES_MAX = 12
"""Failed tries of all pictures together, without a successful download in between."""

SLOW = "Flickr is slow to send a picture."
LATER = "Flickr did not deliver the picture for now. A later import downloads it."


class Downloads:
    def __init__(
        self,
        pictures: PictureClient,
        *,
        show_message: ShowMessage,
        first_wait: float,
        slow_after: float = SLOW_AFTER_SECONDS,
    ) -> None:
        self._pictures = pictures
        self._show_message = show_message
        self._first_wait = first_wait
        self._slow_after = slow_after
        self._messages: dict[object, str] = {}
        self._not_paused = asyncio.Event()
        self._not_paused.set()
        self._pauses = 0
        self._failures = 0

    async def get(self, urls: tuple[str, ...]) -> bytes:
        """Return the bytes of the picture, which `urls` name in several sizes.

        Raises:
            PictureError: the picture cannot be downloaded, or not in this import.
        """
        download = object()
        try:
            return await self._get(urls, download)
        finally:
            self._show(download, "")

    async def _get(self, urls: tuple[str, ...], download: object) -> bytes:
        for failures in range(1, TRIES_MAX + 1):
            await self._not_paused.wait()
            if self._pauses >= PAUSES_MAX or self._failures >= FAILURES_MAX:
                break
            try:
                with when_slow(lambda: self._show(download, SLOW), after=self._slow_after):
                    picture = await self._pictures.download(urls)
            except SlowDownError as error:
                await self._pause(error.retry_after)
            except TransientError as error:
                self._failures += 1
                if failures < TRIES_MAX:
                    await self._wait_for_next_try(error, failures, download)
            else:
                self._pauses = self._failures = 0
                return picture
        raise PictureLaterError(LATER)

    async def _wait_for_next_try(
        self, error: TransientError, failures: int, download: object
    ) -> None:
        wait = backoff(failures, first=self._first_wait)
        next_try = f"({failures + 1} of {TRIES_MAX})"
        text = f"{error.problem}. Trying to get a picture again in {wait:.0f} s {next_try}."
        self._show(download, text)
        await asyncio.sleep(wait)

    def _show(self, download: object, text: str) -> None:
        """Show the message about one of the downloads, or the newest of those that remain."""
        if not text and download not in self._messages:
            return
        self._messages.pop(download, None)
        if text:
            self._messages[download] = text
        self._show_message(next(reversed(self._messages.values()), ""))

    async def _pause(self, retry_after: float | None) -> None:
        """Pause all downloads, whichever of them got the response 429."""
        if not self._not_paused.is_set():
            return
        self._not_paused.clear()
        self._pauses += 1
        try:
            wait = retry_after
            if wait is None:
                wait = backoff(self._pauses, first=self._first_wait)
            self._show(self, f"Flickr asks us to slow down. Downloads continue in {wait:.0f} s.")
            await asyncio.sleep(wait)
        finally:
            self._show(self, "")
            self._not_paused.set()

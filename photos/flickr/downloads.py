"""Downloads an import's pictures, resting when Flickr asks for it and never failing the import."""

import asyncio

from photos.flickr.errors import PictureLaterError, SlowDownError, TransientError
from photos.flickr.pictures import Pictures
from photos.flickr.retries import Say, backoff

TRIES = 3
"""Of one picture."""
RESTS_MAX = 5
"""In a row, without a picture in between; then the rest is left to a later import."""
FRUITLESS_MAX = 12
"""Tries in a row that failed, of whichever picture."""

LATER = "Flickr did not give out its picture for now. A later import fetches it."


class Downloads:
    def __init__(self, pictures: Pictures, *, say: Say, first_wait: float) -> None:
        self._pictures = pictures
        self._say = say
        self._first_wait = first_wait
        self._awake = asyncio.Event()
        self._awake.set()
        self._rests = 0
        self._fruitless = 0

    async def get(self, addresses: tuple[str, ...]) -> bytes:
        """The picture's bytes.

        Raises:
            PictureError: it cannot be had, or not in this import.
        """
        for failures in range(1, TRIES + 1):
            await self._awake.wait()
            if self._rests >= RESTS_MAX or self._fruitless >= FRUITLESS_MAX:
                break
            try:
                return self._had(await self._pictures.download(addresses))
            except SlowDownError as error:
                await self._rest(error.retry_after)
            except TransientError:
                self._fruitless += 1
                await asyncio.sleep(backoff(failures, first=self._first_wait))
        raise PictureLaterError(LATER)

    def _had(self, picture: bytes) -> bytes:
        self._rests = self._fruitless = 0
        return picture

    async def _rest(self, asked: float | None) -> None:
        """All downloads pause together, whichever of them was told to slow down."""
        if not self._awake.is_set():
            return
        self._awake.clear()
        self._rests += 1
        try:
            wait = backoff(self._rests, first=self._first_wait) if asked is None else asked
            self._say(f"Flickr asks us to slow down. Going on with the pictures in {wait:.0f} s.")
            await asyncio.sleep(wait)
            self._say("")
        finally:
            self._awake.set()

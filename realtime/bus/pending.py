"""Ids of jobs that wait to be delivered."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Final
from uuid import UUID

log: Final = logging.getLogger(__name__)

RETRY_SECONDS: Final = 1.0
"""Seconds between two tries to reach what did not answer."""
CHUNK_SIZE: Final = 100
"""Jobs that are read and sent together."""


class PendingIds:
    """A set of ids that callers fill from any thread and one coroutine empties in batches."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deliver: "Deliver",
        name: str,
        *,
        pause: float = 0.0,
    ) -> None:
        self._loop = loop
        self._pause = pause
        self._deliver = deliver
        self._name = name
        self._lock = threading.Lock()
        self._ids: dict[UUID, None] = {}
        self._some = asyncio.Event()
        self._is_asleep = True
        self.settled = threading.Event()
        """Set while all that was added has been delivered, or its delivery has just failed."""
        self.settled.set()

    def add(self, ids: Iterable[UUID]) -> None:
        with self._lock:
            self.settled.clear()
            self._ids.update(dict.fromkeys(ids))
            was_asleep, self._is_asleep = self._is_asleep, False
        if was_asleep:  # Waking a loop costs a system call, and the caller its turn of the GIL.
            self._loop.call_soon_threadsafe(self._some.set)

    async def run(self) -> None:
        while True:
            await self._some.wait()
            batch = self._take()
            if not batch:
                continue
            try:
                await self._deliver(batch)
            except Exception as error:  # noqa: BLE001 - whatever it was, the ids stay wanted
                log.warning("%s: %s jobs wait: %r", self._name, len(batch), error)
                self._put_back(batch)
                await asyncio.sleep(RETRY_SECONDS)
            else:
                await asyncio.sleep(self._pause)

    def _put_back(self, batch: list[UUID]) -> None:
        with self._lock:
            self._ids.update(dict.fromkeys(batch))
            self.settled.set()

    def _take(self) -> list[UUID]:
        with self._lock:
            batch = list(self._ids)[:CHUNK_SIZE]
            for job_id in batch:
                del self._ids[job_id]
            if not batch:
                self._some.clear()
                self._is_asleep = True
                self.settled.set()
        return batch


Deliver = Callable[[list[UUID]], Awaitable[None]]

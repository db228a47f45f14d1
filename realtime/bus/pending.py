"""PendingIds: a thread-safe set of job ids to deliver, retried until they are delivered."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterable
from typing import Final
from uuid import UUID

log: Final = logging.getLogger(__name__)

RETRY_SECONDS: Final = 1.0
"""Seconds between two tries to deliver the same ids."""
CHUNK_SIZE: Final = 100
"""Ids that are delivered together at most."""


class PendingIds:
    """Any thread adds ids; one coroutine, `run`, delivers them in chunks.

    After a failure the ids go to the end of the line, and the next chunks are smaller, so that an
    id that cannot be delivered does not hold up the others for long.

    `action` completes the log line "Cannot {action} 3 jobs". `pause` is the time in seconds between
    two deliveries, `retry_pause` that after a failure.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deliver: "Deliver",
        action: str,
        *,
        pause: float = 0.0,
        retry_pause: float = RETRY_SECONDS,
    ) -> None:
        self._loop = loop
        self._retry_pause = retry_pause
        self._pause = pause
        self._deliver = deliver
        self._action = action
        self._lock = threading.Lock()
        self._ids: dict[UUID, None] = {}
        self._has_ids = asyncio.Event()
        self._is_asleep = True
        self._chunk_size = CHUNK_SIZE
        self.settled = threading.Event()
        """Set while no ids are pending, or after their delivery has failed."""
        self.settled.set()

    def add(self, ids: Iterable[UUID]) -> None:
        with self._lock:
            self.settled.clear()
            self._ids.update(dict.fromkeys(ids))
            was_asleep, self._is_asleep = self._is_asleep, False
        if was_asleep:  # Waking a loop costs a system call, and the caller its turn of the GIL.
            self._loop.call_soon_threadsafe(self._has_ids.set)

    async def run(self) -> None:
        while True:
            await self._has_ids.wait()
            ids = self._take()
            if not ids:
                continue
            try:
                await self._deliver(ids)
            except Exception as error:  # noqa: BLE001 - the ids are delivered later, whatever the error is
                log.warning("Cannot %s %s jobs, will retry: %r", self._action, len(ids), error)
                self._put_back(ids)
                self._chunk_size = max(1, len(ids) // 2)
                await asyncio.sleep(self._retry_pause)
            else:
                self._chunk_size = min(CHUNK_SIZE, 2 * self._chunk_size)
                await asyncio.sleep(self._pause)

    def _put_back(self, ids: list[UUID]) -> None:
        with self._lock:
            self._ids.update(dict.fromkeys(ids))
            self.settled.set()

    def _take(self) -> list[UUID]:
        with self._lock:
            chunk = list(self._ids)[: self._chunk_size]
            for job_id in chunk:
                del self._ids[job_id]
            if not chunk:
                self._has_ids.clear()
                self._is_asleep = True
                self.settled.set()
        return chunk


Deliver = Callable[[list[UUID]], Awaitable[None]]

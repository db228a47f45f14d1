"""A job's snapshots as Server-Sent Events, for browsers that get no WebSocket.

An event stream has no acknowledgements, and daphne no backpressure: a reader that sleeps would be
sent to for ever. So events come at most every `REALTIME_STREAM_INTERVAL` seconds, the newest state
only, and a stream ends after `REALTIME_STREAM_MAX_AGE` seconds; the browser opens another by
itself, and says by Last-Event-ID what it has.
"""

import asyncio
from collections.abc import AsyncIterator
from random import randint
from time import monotonic
from typing import Final
from uuid import UUID

from realtime.access import Viewer
from realtime.conf import conf
from realtime.live.hub import hub
from realtime.live.watcher import Closed, Watcher
from realtime.live.wire import Watched
from realtime.models import Job
from realtime.snapshots.schema import Snapshot, decode_snapshot

RECONNECT_MS: Final = (500, 2500)
"""The browser waits as long as it is told, without jitter of its own: each is told another time."""
SILENCE: Final = 15.0
"""Seconds after which a comment is sent, so that no proxy takes the stream for dead."""


class Stream(Watcher):
    def __init__(self, viewer: Viewer, *, session_key: str) -> None:
        super().__init__(viewer, session_key=session_key)
        self._news = asyncio.Event()
        self.refusal: Closed | None = None

    def wake(self) -> None:
        self._news.set()

    def dismiss(self, refusal: Closed) -> None:
        self.refusal = refusal
        self._news.set()

    async def next(self, job_id: UUID, *, within: float) -> str | None:
        """The newest snapshot, encoded; None when there is nothing new for so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self._news.wait()
        except TimeoutError:
            return None
        self._news.clear()
        return self._owed.pop(job_id, None)


def event_id(snapshot: Snapshot) -> str:
    return f"{snapshot.revision}-{snapshot.tick}"


async def events(
    job: Job, stream: Stream, *, key: str, address: str, last_event_id: str
) -> AsyncIterator[str]:
    """The lines of the stream, until the job has finished, the reader goes, or time is up.

    Raises:
        Refused: at the first line, when there are too many connections from `address`.
    """
    hub().join(stream, address=address)
    ends_at = monotonic() + conf.STREAM_MAX_AGE
    try:
        yield f"retry: {randint(*RECONNECT_MS)}\n\n"  # noqa: S311 - no secret
        await hub().watch(stream, [Watched(id=job.pk, key=key)])
        while stream.refusal is None and monotonic() < ends_at:
            within = min(SILENCE, max(0.0, ends_at - monotonic()))
            text = await stream.next(job.pk, within=within)
            if text is None:
                yield ": still here\n\n"
                continue
            snapshot = decode_snapshot(text)
            if event_id(snapshot) != last_event_id:
                yield f"id: {event_id(snapshot)}\nevent: snapshot\ndata: {text}\n\n"
            if snapshot.finished_at is not None:
                return
            await asyncio.sleep(conf.STREAM_INTERVAL)
    finally:
        hub().leave(stream)

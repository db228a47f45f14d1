"""A job's snapshots as Server-Sent Events, for browsers without a WebSocket.

Event streams have no acknowledgements, and daphne has no backpressure for them: data for a browser
that does not read would pile up. So an event is sent at most every `REALTIME_STREAM_INTERVAL`
seconds, with the newest snapshot only, and a stream ends after `REALTIME_STREAM_MAX_AGE` seconds.
The browser then opens another one, and says by Last-Event-ID which snapshot it has.
"""

import asyncio
from collections.abc import AsyncGenerator
from random import randint
from time import monotonic
from typing import Final
from uuid import UUID

from realtime.access import Viewer
from realtime.conf import conf
from realtime.live.hub import hub
from realtime.live.watcher import CloseConnection, Watcher
from realtime.live.wire import WatchRequest
from realtime.models import Job
from realtime.snapshots.schema import Snapshot, decode_snapshot

RECONNECT_MS: Final = (500, 2500)
"""Browsers wait exactly as long as `retry` says: a random value spreads their reconnections."""
COMMENT_SECONDS: Final = 15.0
"""A comment is sent after so many seconds without an event, so that no proxy ends the stream."""


class Stream(Watcher):
    def __init__(self, viewer: Viewer, *, session_key: str) -> None:
        super().__init__(viewer, session_key=session_key)
        self._changed = asyncio.Event()
        self.close_request: CloseConnection | None = None

    def wake(self) -> None:
        self._changed.set()

    def request_close(self, closed: CloseConnection) -> None:
        self.close_request = closed
        self._changed.set()

    async def next(self, job_id: UUID, *, within: float) -> str | None:
        """The newest snapshot, encoded; None if there is no new one for `within` seconds."""
        try:
            async with asyncio.timeout(within):
                await self._changed.wait()
        except TimeoutError:
            return None
        self._changed.clear()
        return self._pending.pop(job_id, None)


def event_id(snapshot: Snapshot) -> str:
    return f"{snapshot.revision}-{snapshot.tick}"


async def events(
    job: Job, stream: Stream, *, key: str, address: str, last_event_id: str
) -> AsyncGenerator[str, None]:
    """The lines of the stream, until the job finishes, the browser goes, or the stream is too old.

    Raises:
        CloseConnection: at the first line, if there are too many connections from `address`.
    """
    hub().join(stream, address=address)
    ends_at = monotonic() + conf.STREAM_MAX_AGE
    try:
        yield f"retry: {randint(*RECONNECT_MS)}\n\n"  # noqa: S311 - no secret
        await hub().watch(stream, [WatchRequest(id=job.pk, key=key)])
        while stream.close_request is None and monotonic() < ends_at:
            within = min(COMMENT_SECONDS, max(0.0, ends_at - monotonic()))
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

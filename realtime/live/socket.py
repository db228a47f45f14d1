"""Socket: sends snapshots over one WebSocket, and notices when its browser is too slow."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Final, TypeVar

from realtime.access import Viewer
from realtime.conf import conf
from realtime.live.send_queue import begin, send_queue
from realtime.live.watcher import CloseConnection, Watcher
from realtime.live.wire import ACK_EVERY, AGED, TOO_SLOW, jobs_frame, overview_frame

log: Final = logging.getLogger(__name__)

K = TypeVar("K")

# ASGI says awaitable; with daphne, uvicorn and Channels it is a coroutine, which can be begun.
Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]

OVERVIEW_ROWS_MAX: Final = 100
"""Changed jobs in one overview frame; the page shows fewer rows than that."""
FRAME_CHARS: Final = 32 * 1024
"""Characters of snapshots after which further ones go into another frame. With the number of
unacknowledged frames it bounds the memory that one browser costs."""


class Socket(Watcher):
    """Sends frames while the browser acknowledges them.

    Its memory is bounded: one snapshot for each watched job, and `REALTIME_CREDIT_WINDOW` frames
    without an acknowledgement, of which the server keeps no more than its buffer (see
    `realtime.servers`). It expires when the browser has received or acknowledged nothing for
    `REALTIME_SEND_DEADLINE` seconds.
    """

    __slots__ = (
        "_acknowledged",
        "_is_closed",
        "_numbers",
        "_rows",
        "_send",
        "_send_queue",
        "_sending",
        "_sequence",
        "_stalled_at",
        "_task",
        "_window",
        "close_request",
        "has_overview",
    )

    def __init__(self, send: Send, viewer: Viewer, *, session_key: str = "") -> None:
        super().__init__(viewer, session_key=session_key)
        self.close_request: CloseConnection | None = None
        self.has_overview = False
        self._is_closed = False
        self._send = send
        self._task = asyncio.current_task()
        self._sequence = 0
        self._acknowledged = 0
        self._stalled_at: float | None = None
        self._numbers: str | None = None
        self._rows: dict[str, str] = {}
        self._sending: asyncio.Task[None] | None = None
        self._window = conf.CREDIT_WINDOW
        self._send_queue = send_queue()

    def offer_overview(self, numbers: str, rows: dict[str, str]) -> None:
        self._numbers, self.has_overview = numbers, True
        for job_id, row in rows.items():
            self._rows.pop(job_id, None)
            self._rows[job_id] = row
        while len(self._rows) > OVERVIEW_ROWS_MAX:
            del self._rows[next(iter(self._rows))]
        self.wake()

    def is_ack_due(self, sequence: int) -> bool:
        """Whether the browser should acknowledge frame `sequence` now."""
        return self._acknowledged + ACK_EVERY <= sequence <= self._sequence

    def acknowledge(self, sequence: int) -> bool:
        """The browser has received frame `sequence`; False if no such frame was sent."""
        if not self._acknowledged <= sequence <= self._sequence:
            return False
        if sequence > self._acknowledged:
            self._acknowledged = sequence
            self._stalled_at = monotonic() if self._is_waiting_for_browser() else None
            if self._has_pending():
                self.wake()
        return True

    def _is_waiting_for_browser(self) -> bool:
        """Whether the browser should receive or acknowledge a frame."""
        return self._sending is not None or self._sequence - self._acknowledged > ACK_EVERY

    def _has_pending(self) -> bool:
        return bool(self._pending) or self._numbers is not None

    def send_text(self, text: str) -> Coroutine[Any, Any, None]:
        return self._send({"type": "websocket.send", "text": text})

    def request_close(self, closed: CloseConnection) -> None:
        # Once only: a second cancellation would interrupt the sending of the close frame.
        if self.close_request is None:
            self.close_request = closed
            if self._task is not None:
                self._task.cancel()

    def close_reason(self) -> CloseConnection | None:
        waited = None if self._stalled_at is None else monotonic() - self._stalled_at
        if waited is not None and waited > conf.SEND_DEADLINE:
            return CloseConnection(
                TOO_SLOW, f"No frame was received or acknowledged for {waited:.0f} s."
            )
        return super().close_reason()

    def stop_sending(self) -> None:
        self._is_closed = True
        if self._sending is not None:
            self._sending.cancel()

    def wake(self) -> None:
        self._send_queue.add(self)

    def flush(self) -> None:
        """Send one frame, if one may be sent; the queue calls again for the next one."""
        if self._sending is not None or not self._may_send():
            return
        self._sequence += 1
        try:
            self._sending = begin(self.send_text(self._next_frame()))
        except Exception as error:  # noqa: BLE001 - servers raise anything
            self._cannot_send(error)
            return
        if self._sending is not None:
            self._sending.add_done_callback(self._sent)
        elif self._has_pending():
            self.wake()
        if self._stalled_at is None and self._is_waiting_for_browser():
            self._stalled_at = monotonic()

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._sending = None
        if not self._is_waiting_for_browser():
            self._stalled_at = None
        if task.cancelled():
            return
        if error := task.exception():
            self._cannot_send(error)
        else:
            self.wake()

    def _cannot_send(self, error: BaseException) -> None:
        self._is_closed = True
        log.info("A frame could not be sent; the socket is closed: %r", error)
        self.request_close(CloseConnection(AGED, "This connection is broken; open another."))

    def _may_send(self) -> bool:
        if self._is_closed or not (self._pending or self._numbers is not None):
            return False
        if self._sequence - self._acknowledged < self._window:
            return True
        self._stalled_at = self._stalled_at or monotonic()
        return False

    def _next_frame(self) -> str:
        if self._pending:
            return jobs_frame(self._sequence, take_frame(self._pending))
        numbers, rows = self._numbers, take_frame(self._rows)
        if not self._rows:
            self._numbers = None
        return overview_frame(self._sequence, numbers or "null", rows)


def take_frame(pending: dict[K, str]) -> list[str]:
    """Remove and return the snapshots that go into one frame."""
    if len(pending) == 1:  # true for nearly all frames
        return [pending.popitem()[1]]
    snapshots, size = [], 0
    while pending and size < FRAME_CHARS:
        snapshots.append(pending.pop(next(iter(pending))))
        size += len(snapshots[-1])
    return snapshots

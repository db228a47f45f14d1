"""One browser's connection, as the hub sees it: what it is owed, and whether it keeps up."""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any, Final, TypeVar

from realtime.access import Viewer
from realtime.conf import conf
from realtime.live.send_queue import begin, send_queue
from realtime.live.watcher import Closed, Watcher
from realtime.live.wire import ACK_EVERY, AGED, TOO_SLOW, jobs_frame, overview_frame

log: Final = logging.getLogger(__name__)

K = TypeVar("K")

# ASGI says awaitable; with daphne, uvicorn and Channels it is a coroutine, which can be begun.
Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]

ROWS_MAX: Final = 100
"""Changed jobs that an overview frame carries; the page shows fewer rows than that."""
FULL: Final = 32 * 1024
"""Characters of snapshots after which the next ones go into another frame: with the frames that may
be on the way to a reader, they bound what it costs."""


class Socket(Watcher):
    """Sends while the browser keeps up.

    Its memory is bounded: one snapshot a watched job, and `REALTIME_CREDIT_WINDOW` frames that
    are sent and not acknowledged, of which the server keeps no more than its buffer holds (see
    `daphne_sockets`, `uvicorn_sockets`). One that for `REALTIME_SEND_DEADLINE` takes nothing, or
    does not acknowledge what it should have, is let go.
    """

    __slots__ = (
        "_acknowledged",
        "_flusher",
        "_is_closed",
        "_numbers",
        "_rows",
        "_send",
        "_sending",
        "_sequence",
        "_stalled_at",
        "_task",
        "_window",
        "overseen",
        "refusal",
    )

    def __init__(self, send: Send, viewer: Viewer, *, session_key: str = "") -> None:
        super().__init__(viewer, session_key=session_key)
        self.refusal: Closed | None = None
        self.overseen = False
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
        self._flusher = send_queue()

    def offer_overview(self, numbers: str, rows: dict[str, str]) -> None:
        self._numbers, self.overseen = numbers, True
        for job_id, row in rows.items():
            self._rows.pop(job_id, None)
            self._rows[job_id] = row
        while len(self._rows) > ROWS_MAX:
            del self._rows[next(iter(self._rows))]
        self.wake()

    def awaits(self, sequence: int) -> bool:
        """Whether it is time for an acknowledgement of frame `sequence`."""
        return self._acknowledged + ACK_EVERY <= sequence <= self._sequence

    def acknowledge(self, sequence: int) -> bool:
        """The browser has frame `sequence`; False when it cannot have it."""
        if not self._acknowledged <= sequence <= self._sequence:
            return False
        if sequence > self._acknowledged:
            self._acknowledged = sequence
            self._stalled_at = monotonic() if self._is_awaited() else None
            if self._owes():
                self.wake()
        return True

    def _is_awaited(self) -> bool:
        """Whether the browser is to take a frame, or to acknowledge one."""
        return self._sending is not None or self._sequence - self._acknowledged > ACK_EVERY

    def _owes(self) -> bool:
        return bool(self._owed) or self._numbers is not None

    def send_text(self, text: str) -> Coroutine[Any, Any, None]:
        return self._send({"type": "websocket.send", "text": text})

    def dismiss(self, refusal: Closed) -> None:
        if self.refusal is None:  # It is told once; another time would end the telling.
            self.refusal = refusal
            if self._task is not None:
                self._task.cancel()

    def fault(self) -> Closed | None:
        waited = None if self._stalled_at is None else monotonic() - self._stalled_at
        if waited is not None and waited > conf.SEND_DEADLINE:
            return Closed(TOO_SLOW, f"Nothing was taken or acknowledged for {waited:.0f} s.")
        return super().fault()

    def close(self) -> None:
        self._is_closed = True
        if self._sending is not None:
            self._sending.cancel()

    def wake(self) -> None:
        self._flusher.add(self)

    def flush(self) -> None:
        """Send a frame of what is owed, if it may be sent; what is left then has its turn again."""
        if self._sending is not None or not self._may_send():
            return
        self._sequence += 1
        try:
            self._sending = begin(self.send_text(self._next_frame()))
        except Exception as error:  # noqa: BLE001 - whatever the server makes of it
            self._cannot_send(error)
            return
        if self._sending is not None:
            self._sending.add_done_callback(self._sent)
        elif self._owes():
            self.wake()
        if self._stalled_at is None and self._is_awaited():
            self._stalled_at = monotonic()

    def _sent(self, task: "asyncio.Task[None]") -> None:
        self._sending = None
        if not self._is_awaited():
            self._stalled_at = None
        if task.cancelled():
            return
        if error := task.exception():
            self._cannot_send(error)
        else:
            self.wake()

    def _cannot_send(self, error: BaseException) -> None:
        self._is_closed = True
        log.info("A socket can no longer be sent to: %r", error)
        self.dismiss(Closed(AGED, "This connection works no longer; open another."))

    def _may_send(self) -> bool:
        if self._is_closed or not (self._owed or self._numbers is not None):
            return False
        if self._sequence - self._acknowledged < self._window:
            return True
        self._stalled_at = self._stalled_at or monotonic()
        return False

    def _next_frame(self) -> str:
        if self._owed:
            return jobs_frame(self._sequence, taken(self._owed))
        numbers, rows = self._numbers, taken(self._rows)
        if not self._rows:
            self._numbers = None
        return overview_frame(self._sequence, numbers or "null", rows)


def taken(owed: dict[K, str]) -> list[str]:
    """What goes into one frame, which is owed no longer."""
    if len(owed) == 1:  # as it is for nearly all frames
        return [owed.popitem()[1]]
    snapshots, size = [], 0
    while owed and size < FULL:
        snapshots.append(owed.pop(next(iter(owed))))
        size += len(snapshots[-1])
    return snapshots

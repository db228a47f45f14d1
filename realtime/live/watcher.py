"""Watcher: a browser's connection that the hub sends snapshots to.

`Socket` (WebSocket) and `Stream` (Server-Sent Events) are its two kinds.
"""

from time import monotonic
from uuid import UUID

from realtime.access import Viewer
from realtime.conf import conf
from realtime.live.wire import AGED


class CloseConnection(Exception):
    """The connection must be closed with `code`: the browser broke a rule, or lost its access."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Watcher:
    """Keeps, for each watched job, the newest snapshot that has not been sent yet."""

    # The cost of a frame to thousands of sockets depends on the memory it touches: slots halve it.
    __slots__ = (
        "__weakref__",
        "_pending",
        "ends_at",
        "is_operator",
        "session_key",
        "viewer",
        "watches",
    )

    def __init__(self, viewer: Viewer, *, session_key: str = "") -> None:
        self.set_viewer(viewer)
        self.session_key = session_key
        self.watches: set[UUID] = set()
        self.ends_at = monotonic() + conf.SOCKET_MAX_AGE
        self._pending: dict[UUID, str] = {}

    def set_viewer(self, viewer: Viewer) -> None:
        self.viewer = viewer
        self.is_operator = viewer.is_operator

    def offer(self, job_id: UUID, snapshot: str) -> None:
        """Send this snapshot soon, instead of an unsent older one of the same job."""
        self._pending[job_id] = snapshot
        self.wake()

    def forget(self, job_id: UUID) -> None:
        self.watches.discard(job_id)
        self._pending.pop(job_id, None)

    def wake(self) -> None:
        """There is something to send."""
        raise NotImplementedError

    def request_close(self, closed: CloseConnection) -> None:
        """Have the connection's own task close it; called from other tasks."""
        raise NotImplementedError

    def close_reason(self) -> CloseConnection | None:
        """Why the connection should be closed now, or None if it may stay open."""
        if monotonic() > self.ends_at:
            return CloseConnection(AGED, "This connection is old; open another.")
        return None

    def stop_sending(self) -> None:
        """The connection has ended."""

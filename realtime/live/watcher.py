"""A connection that the hub sends snapshots to."""

from time import monotonic
from uuid import UUID

from realtime.access import Viewer
from realtime.conf import conf
from realtime.live.wire import AGED


class Closed(Exception):
    """The browser breaks a rule, or may be here no longer; its socket is closed with `code`."""

    def __init__(self, code: int, detail: str) -> None:
        super().__init__(detail)
        self.code = code


class Watcher:
    """Whoever the hub sends snapshots to: it keeps the newest of each job that it is owed."""

    # A frame to thousands costs what it touches in memory: slots halve that.
    __slots__ = (
        "__weakref__",
        "_owed",
        "ends_at",
        "is_operator",
        "session_key",
        "viewer",
        "watches",
    )

    def __init__(self, viewer: Viewer, *, session_key: str = "") -> None:
        self.viewer = viewer
        self.is_operator = viewer.is_operator
        self.session_key = session_key
        self.watches: set[UUID] = set()
        self.ends_at = monotonic() + conf.SOCKET_MAX_AGE
        self._owed: dict[UUID, str] = {}

    def offer(self, job_id: UUID, snapshot: str) -> None:
        """Owe the browser this snapshot, in place of an older one of the same job."""
        self._owed[job_id] = snapshot
        self.wake()

    def forget(self, job_id: UUID) -> None:
        self.watches.discard(job_id)
        self._owed.pop(job_id, None)

    def wake(self) -> None:
        """Something is owed."""
        raise NotImplementedError

    def dismiss(self, refusal: Closed) -> None:
        """End the connection for this reason; called from outside its own task."""
        raise NotImplementedError

    def fault(self) -> Closed | None:
        """Why the connection should end now, if it should."""
        if monotonic() > self.ends_at:
            return Closed(AGED, "This connection is old; open another.")
        return None

    def close(self) -> None:
        """The connection has ended."""

"""Connections: the open connections of one process, counted by address.

The hub adds and removes them. Connections that have expired, are too slow, or are no longer
allowed are closed from here.
"""

from collections import Counter

from realtime.access import Viewer
from realtime.conf import conf
from realtime.live.gc_freeze import GcFreeze
from realtime.live.viewers import Identity
from realtime.live.watcher import CloseConnection, Watcher
from realtime.live.wire import SESSION_ENDED, TOO_MANY


class Connections:
    def __init__(self) -> None:
        self._addresses: dict[Watcher, str] = {}
        self._by_address: Counter[str] = Counter()
        self._gc_freeze = GcFreeze()

    def __bool__(self) -> bool:
        return bool(self._addresses)

    def add(self, watcher: Watcher, address: str) -> None:
        """
        Raises:
            CloseConnection: `address` already has `REALTIME_SOCKETS_PER_ADDRESS` connections.
        """
        if self._by_address[address] >= conf.SOCKETS_PER_ADDRESS:
            most = conf.SOCKETS_PER_ADDRESS
            detail = f"Your address has {most} connections, the most it may have."
            raise CloseConnection(TOO_MANY, detail)
        self._addresses[watcher] = address
        self._by_address[address] += 1
        self._gc_freeze.opened()

    def remove(self, watcher: Watcher) -> None:
        address = self._addresses.pop(watcher, None)
        if address is not None:
            self._by_address[address] -= 1
            if not self._by_address[address]:
                del self._by_address[address]
            self._gc_freeze.closed(still_open=len(self._addresses))

    def identities(self, user_ids: set[int] | None = None) -> set[Identity]:
        """The sessions and users that are connected: all, or only those of `user_ids`."""
        return {
            (watcher.session_key, user_id)
            for watcher in self._addresses
            if (user_id := watcher.viewer.user_id) is not None
            and (user_ids is None or user_id in user_ids)
        }

    def update_viewers(self, viewers: dict[Identity, Viewer]) -> None:
        """Close the connections whose user has lost a right; the others keep their new rights."""
        for watcher in list(self._addresses):
            user_id = watcher.viewer.user_id
            viewer = viewers.get((watcher.session_key, user_id)) if user_id is not None else None
            if viewer is None or viewer == watcher.viewer:
                continue
            if _has_lost_rights(watcher.viewer, viewer):
                watcher.request_close(
                    CloseConnection(
                        SESSION_ENDED, "Your session has ended, or you have lost a right."
                    )
                )
            else:
                watcher.set_viewer(viewer)

    def close_expired(self) -> None:
        """Close the connections that are too old or too slow."""
        for watcher in list(self._addresses):
            if closed := watcher.close_reason():
                watcher.request_close(closed)


def _has_lost_rights(before: Viewer, now: Viewer) -> bool:
    return (
        now.user_id != before.user_id
        or (before.is_operator and not now.is_operator)
        or (before.may_act_on_all and not now.may_act_on_all)
    )

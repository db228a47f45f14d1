"""Who may be connected, and who may stay: sessions end, rights are lost, readers fall asleep."""

from collections import Counter

from realtime.access import Viewer
from realtime.conf import conf
from realtime.live.gc_freeze import GcFreeze
from realtime.live.viewers import Identity
from realtime.live.watcher import Closed, Watcher
from realtime.live.wire import SESSION_ENDED, TOO_MANY


class Connections:
    """The watchers of one process, counted by address."""

    def __init__(self) -> None:
        self._watchers: dict[Watcher, str] = {}
        self._by_address: Counter[str] = Counter()
        self._kept = GcFreeze()

    def __bool__(self) -> bool:
        return bool(self._watchers)

    def admit(self, watcher: Watcher, address: str) -> None:
        """Let `watcher` in.

        Raises:
            Refused: its address has `REALTIME_SOCKETS_PER_ADDRESS` others.
        """
        if self._by_address[address] >= conf.SOCKETS_PER_ADDRESS:
            raise Closed(TOO_MANY, "There are too many connections from your address.")
        self._watchers[watcher] = address
        self._by_address[address] += 1
        self._kept.come()

    def discharge(self, watcher: Watcher) -> None:
        address = self._watchers.pop(watcher, None)
        if address is not None:
            self._by_address[address] -= 1
            self._kept.go(left=len(self._watchers))
            self._by_address += Counter()  # forgets addresses that have none left

    def identities(self, user_ids: set[int] | None = None) -> set[Identity]:
        """Those of these users, or of all, that are connected."""
        return {
            (watcher.session_key, user_id)
            for watcher in self._watchers
            if (user_id := watcher.viewer.user_id) is not None
            and (user_ids is None or user_id in user_ids)
        }

    def dismiss_strangers(self, viewers: dict[Identity, Viewer]) -> None:
        """End the connections of those who are not what they were when they came."""
        for watcher in list(self._watchers):
            user_id = watcher.viewer.user_id
            if user_id is None:
                continue
            now = viewers.get((watcher.session_key, user_id), watcher.viewer)
            if now != watcher.viewer:
                watcher.dismiss(Closed(SESSION_ENDED, "Your session has ended, or changed."))

    def dismiss_faulty(self) -> None:
        for watcher in list(self._watchers):
            if fault := watcher.fault():
                watcher.dismiss(fault)

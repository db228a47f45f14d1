"""ConnectionChecks: closes connections that have expired or whose user has lost access."""

import asyncio
from collections.abc import Collection
from itertools import islice
from typing import Final

from realtime.access import Viewer
from realtime.live.access_checks import ALL_USERS, AccessChecks, PendingCheck, UserId
from realtime.live.connections import Connections
from realtime.live.viewers import Identity, viewers_of
from realtime.threads import SerialThread

CHECK_SECONDS: Final = 0.5
"""Pause between two checks of the open connections."""
CHUNK_SIZE: Final = 500
"""How many users are read at once."""


class ConnectionChecks:
    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._access_checks = AccessChecks()
        self._thread: SerialThread

    def start(self) -> None:
        self._thread = SerialThread("hub-access")

    def stop(self) -> None:
        self._thread.close()

    def recheck_access(self, user_id: UserId) -> None:
        """Check soon whether this user, or every user, may still be connected."""
        self._access_checks.add(user_id)

    async def run(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self._connections.close_expired()
            if due := self._access_checks.due():
                await self._check_access(due)

    async def _check_access(self, due: dict[UserId, PendingCheck]) -> None:
        user_ids = None if ALL_USERS in due else {each for each in due if each is not ALL_USERS}
        if identities := self._connections.identities(user_ids):
            self._connections.update_viewers(await self._read_viewers(identities))
        self._access_checks.mark_done(due)

    async def _read_viewers(self, identities: Collection[Identity]) -> dict[Identity, Viewer]:
        """Read in chunks, in a thread of its own: watchers of jobs do not wait for it."""
        rest, viewers = iter(identities), {}
        while chunk := list(islice(rest, CHUNK_SIZE)):
            viewers.update(await self._thread.call(viewers_of, chunk))
        return viewers

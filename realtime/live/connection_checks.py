"""ConnectionChecks: closes connections that have expired or whose user has lost access."""

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine
from itertools import islice
from typing import Any, Final

from realtime.access import Viewer
from realtime.channel_layer.messages import LAYER_ERRORS
from realtime.database import DATABASE_ERRORS
from realtime.live.access_checks import ALL_USERS, AccessChecks, PendingCheck, UserId
from realtime.live.connections import Connections
from realtime.live.viewers import Identity, viewers_of
from realtime.threads import SerialThread

log: Final = logging.getLogger(__name__)

CHECK_SECONDS: Final = 0.5
"""Pause between two checks of the open connections."""
CHUNK_SIZE: Final = 500
"""How many users are read at once."""

Loop = Callable[[], Coroutine[Any, Any, None]]


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

    @property
    def loops(self) -> tuple[Loop, ...]:
        """What runs while there are connections. A database that hangs delays the second only."""
        return self._close_expired, self._check_access_when_due

    async def _close_expired(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            self._connections.close_expired()

    async def _check_access_when_due(self) -> None:
        while True:
            await asyncio.sleep(CHECK_SECONDS)
            if due := self._access_checks.due():
                await self._check_access(due)

    async def _check_access(self, due: dict[UserId, PendingCheck]) -> None:
        user_ids = None if ALL_USERS in due else {each for each in due if each is not ALL_USERS}
        if identities := self._connections.identities(user_ids):
            self._connections.update_viewers(await self._read_viewers(identities))
        self._access_checks.mark_done(due)

    async def _read_viewers(self, identities: Collection[Identity]) -> dict[Identity, Viewer]:
        """Read in chunks, in a thread of its own: watchers of jobs do not wait for it."""
        rest, viewers, errors = iter(identities), {}, list[Exception]()
        while chunk := list(islice(rest, CHUNK_SIZE)):
            viewers.update(await self._read_chunk(chunk, errors))
        if errors:
            log.error(
                "The access of %s users cannot be checked; it is checked again later",
                len(errors),
                exc_info=errors[0],
            )
        return viewers

    async def _read_chunk(
        self, identities: list[Identity], errors: list[Exception]
    ) -> dict[Identity, Viewer]:
        """Add the errors of single users to `errors`: the others are checked all the same.

        An authentication backend, or code of the project, may raise anything for a user.
        """
        try:
            return await self._thread.call(viewers_of, identities)
        except (*DATABASE_ERRORS, *LAYER_ERRORS):  # A cache of sessions may raise the latter.
            raise
        except Exception as error:  # noqa: BLE001 - logged by the caller
            if len(identities) == 1:
                errors.append(error)
                return {}
        middle = len(identities) // 2
        first = await self._read_chunk(identities[:middle], errors)
        return first | await self._read_chunk(identities[middle:], errors)

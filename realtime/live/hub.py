"""Hub: sends each job's snapshots from the channel layer to all its watchers.

Each web process has one. It subscribes once to each watched job, however many browsers watch it,
and sends the same encoded snapshot to all of them. It reads a job's row from the database when no
message has come for `REALTIME_REPAIR_INTERVAL` seconds: so every watcher gets to the state of the
row, even if Redis lost messages or is down.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from realtime.channel_layer.messages import (
    ACCESS_GROUP,
    LAYER_ERRORS,
    OPERATORS_GROUP,
    JobMessage,
)
from realtime.channel_layer.subscriptions import Subscriptions
from realtime.conf import conf
from realtime.database import DATABASE_ERRORS
from realtime.live.access_checks import ALL_USERS
from realtime.live.connection_checks import ConnectionChecks
from realtime.live.connections import Connections
from realtime.live.database_reader import DatabaseReader
from realtime.live.overview_feed import OverviewFeed
from realtime.live.socket import Socket
from realtime.live.viewers import parse_user_id
from realtime.live.watched_jobs import WatchedJobs
from realtime.live.watcher import Watcher
from realtime.live.wire import WatchRequest

log: Final = logging.getLogger(__name__)

RETRY_SECONDS: Final = 1.0
"""Pause after an error of the channel layer or of the database."""
TEMPORARY_ERRORS: Final = (*LAYER_ERRORS, *DATABASE_ERRORS)


class Hub:
    """Belongs to one event loop; its tasks run while it has watchers."""

    def __init__(self, database: DatabaseReader | None = None) -> None:
        self._database = database or DatabaseReader()
        self._connections = Connections()
        self._checks = ConnectionChecks(self._connections)
        self._overview = OverviewFeed()
        self._jobs = WatchedJobs()
        self._tasks: list[asyncio.Task[None]] = []
        self._subscriptions = Subscriptions(
            groups=self._group_names,
            on_message=self._receive,
            on_join=self._jobs.mark_group_joined,
        )

    def join(self, watcher: Watcher, *, address: str) -> None:
        """
        Raises:
            CloseConnection: there are too many connections from `address`.
        """
        self._connections.add(watcher, address)
        if not self._tasks:
            self._start()

    def leave(self, watcher: Watcher) -> None:
        watcher.stop_sending()
        self.unwatch(watcher, list(watcher.watches))
        self._connections.remove(watcher)
        if isinstance(watcher, Socket):
            self._overview.discard(watcher)
        if self._tasks and not self._connections:
            self._stop()

    def _start(self) -> None:
        self._database.start()
        self._checks.start()
        loops = (
            self._subscriptions.receive,
            self._subscriptions.subscribe,
            self._repair_forever,
            self._send_overview,
            *self._checks.loops,
        )
        self._tasks = [asyncio.create_task(_keep_running(each)) for each in loops]

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks = []
        self._database.stop()
        self._checks.stop()

    async def watch(self, watcher: Watcher, requests: Sequence[WatchRequest]) -> list[UUID]:
        """Send `watcher` these jobs' snapshots from now on, beginning with the present ones.

        Returns the ids of jobs that do not exist or that it may not watch.
        """
        keys = {request.id: request.key for request in requests}
        jobs = await self._database.jobs(keys)
        may_watch = watcher.viewer.may_watch
        allowed = {pk for pk, (job, _) in jobs.items() if may_watch(job, key=keys[pk])}
        for job_id in allowed:
            self._jobs.add(watcher, job_id, jobs[job_id][1])
        self._subscriptions.change()
        return [job_id for job_id in keys if job_id not in allowed]

    def unwatch(self, watcher: Watcher, ids: Iterable[UUID]) -> None:
        for job_id in ids:
            self._jobs.remove(watcher, job_id)
        self._subscriptions.change()

    def watch_overview(self, socket: Socket) -> None:
        """Send an operator's socket the numbers and all changed jobs from now on."""
        self._overview.add(socket)
        self._subscriptions.change()

    def send(self, message: JobMessage) -> None:
        """Send a job's snapshot to its watchers, unless they have a newer one."""
        self._jobs.send(message)

    def _group_names(self) -> set[str]:
        operators = [OPERATORS_GROUP] if self._overview else []
        return {*self._jobs.groups, ACCESS_GROUP, *operators}

    def _receive(self, message: Any) -> None:
        match message["type"]:
            case "job":
                self._jobs.send(message)
            case "jobs":
                self._overview.add_rows(message["jobs"])
            case "person":
                self._checks.recheck_access(parse_user_id(message["user"]))
            case "everyone":
                self._checks.recheck_access(ALL_USERS)

    async def repair(self) -> None:
        """Read the rows of the watched jobs without a recent message."""
        await self._jobs.repair(self._database.messages)

    async def _repair_forever(self) -> None:
        while True:
            await asyncio.sleep(conf.REPAIR_INTERVAL / 5)
            await self.repair()

    async def _send_overview(self) -> None:
        await self._overview.send_forever(self._database.overview_numbers)


async def _keep_running(loop: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `loop`, and start it again after an error."""
    while True:
        try:
            await loop()
        except TEMPORARY_ERRORS as error:
            log.warning("Live updates are delayed, the next try is in 1 s: %r", error)
        except Exception:
            log.exception("A task of the hub failed, and is started again in 1 s")
        await asyncio.sleep(RETRY_SECONDS)


_hubs: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    instance = _hubs.get(loop)
    if instance is None:
        instance = _hubs[loop] = Hub()
    return instance

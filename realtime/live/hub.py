"""One hub a web process stands between the Channels layer and all its watchers.

It holds one subscription a watched job, whoever watches, and hands the same encoded snapshot to
all of them. A job that has been silent for a while is read from the database: whatever the layer
lost, every watcher ends at the row's state, with Redis or without.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterable, Sequence
from time import monotonic
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

from realtime.access import load_ancestors
from realtime.channel_layer.messages import (
    ACCESS_GROUP,
    LAYER_ERRORS,
    OPERATORS_GROUP,
    JobMessage,
    group,
    messages,
)
from realtime.channel_layer.subscriptions import Subscriptions
from realtime.conf import conf
from realtime.database import DATABASE_ERRORS
from realtime.live.access_checks import ALL_USERS, AccessChecks, PendingCheck
from realtime.live.connections import Connections
from realtime.live.shared_reads import SharedReads
from realtime.live.socket import Socket
from realtime.live.viewers import viewers_of
from realtime.live.watched_job import WatchedJob
from realtime.live.watcher import Watcher
from realtime.live.wire import Watched as Request
from realtime.models import Job
from realtime.snapshots import overview
from realtime.snapshots.build import load_for_snapshots
from realtime.snapshots.schema import encode
from realtime.threads import SerialThread

log: Final = logging.getLogger(__name__)

PAUSE: Final = 1.0
"""Seconds between two tries to reach a layer or a database that did not answer."""
LOOK: Final = 0.5
"""Seconds between two looks at whether there is anybody to let go."""
FAULTS: Final = (*LAYER_ERRORS, *DATABASE_ERRORS)

Present = tuple[Job, JobMessage]
"""A job as it is now, and as it is shown."""


class Hub:
    """Lives on one event loop; its tasks run while it has watchers."""

    def __init__(self) -> None:
        self._present = Connections()
        self._operators: set[Socket] = set()
        self._jobs: dict[UUID, WatchedJob] = {}
        self._groups: dict[str, UUID] = {}
        self._rows: dict[str, str] = {}
        self._doubts = AccessChecks()
        self._database: SerialThread
        self._presents = SharedReads(self._read)
        self._tasks: list[asyncio.Task[None]] = []
        self._subscriptions = Subscriptions(
            wanted=self._wanted, heard=self._heard, joined=self._joined
        )

    def join(self, watcher: Watcher, *, address: str) -> None:
        """Let `watcher` in.

        Raises:
            Refused: there are too many from its address.
        """
        self._present.admit(watcher, address)
        if not self._tasks:
            self._database = SerialThread("hub-database")
            links = (self._subscriptions.receive, self._subscriptions.subscribe)
            work = (*links, self._repair, self._count, self._check)
            self._tasks = [asyncio.create_task(self._keep(each)) for each in work]

    def leave(self, watcher: Watcher) -> None:
        watcher.close()
        self.unwatch(watcher, list(watcher.watches))
        self._present.discharge(watcher)
        if isinstance(watcher, Socket):
            self._operators.discard(watcher)
        if self._tasks and not self._present:
            for task in self._tasks:
                task.cancel()
            self._tasks = []
            self._presents.close()
            self._database.close()

    async def watch(self, watcher: Watcher, requests: Sequence[Request]) -> list[UUID]:
        """Send `watcher` these jobs' snapshots from now on, the present ones at once.

        Returns the ids that it may not watch, or that do not exist.
        """
        keys = {request.id: request.key for request in requests}
        found = await self._presents.get(keys)
        may_watch = watcher.viewer.may_watch
        allowed = {pk for pk, (job, _) in found.items() if may_watch(job, key=keys[pk])}
        for job_id in allowed:
            self._watch(watcher, job_id, found[job_id][1])
        self._subscriptions.change()
        return [job_id for job_id in keys if job_id not in allowed]

    def _watch(self, watcher: Watcher, job_id: UUID, message: JobMessage) -> None:
        watched = self._jobs.setdefault(job_id, WatchedJob())
        self._groups[group(job_id)] = job_id
        watched.watchers.add(watcher)
        watcher.watches.add(job_id)
        self.take(message)
        watcher.offer(job_id, watched.text_for(watcher))

    async def _read(self, ids: list[UUID]) -> dict[UUID, Present]:
        return await self._database.call(_present, ids)

    def unwatch(self, watcher: Watcher, ids: Iterable[UUID]) -> None:
        for job_id in ids:
            watcher.forget(job_id)
            if watched := self._jobs.get(job_id):
                watched.watchers.discard(watcher)
                if not watched.watchers:
                    del self._jobs[job_id], self._groups[group(job_id)]
        self._subscriptions.change()

    def oversee(self, socket: Socket) -> None:
        """Send `socket`, an operator's, the numbers and all changes of jobs from now on."""
        self._operators.add(socket)
        self._subscriptions.change()

    async def _keep(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run `work` for as long as there are watchers, whatever happens to it."""
        while True:
            try:
                await work()
            except FAULTS as error:
                log.warning("The live path waits: %r", error)
            except Exception:
                log.exception("The live path failed, and is started again")
            await asyncio.sleep(PAUSE)

    def _wanted(self) -> set[str]:
        return {*self._groups, ACCESS_GROUP, *([OPERATORS_GROUP] if self._operators else [])}

    def _joined(self, name: str) -> None:
        if watched := self._jobs.get(self._groups.get(name, UUID(int=0))):
            watched.heard_at = 0.0

    def _heard(self, message: Any) -> None:
        match message["type"]:
            case "job":
                self.take(message)
            case "jobs":
                self._rows.update(message["jobs"])
            case "person":
                self._doubts.add(message["user"])
            case "everyone":
                self._doubts.add(ALL_USERS)

    def take(self, message: JobMessage) -> None:
        """Hand a job's snapshot to its watchers, unless it is older than what they have."""
        job_id = UUID(hex=message["id"])
        watched = self._jobs.get(job_id)
        if watched and watched.take(message):
            public, operator = watched.public, watched.operator
            for watcher in watched.watchers:
                watcher.offer(job_id, operator if watcher.is_operator else public)

    async def repair(self) -> None:
        """Read the jobs that have been silent, in one query."""
        silent = {job_id: each for job_id, each in self._jobs.items() if each.is_silent()}
        for watched in silent.values():
            watched.heard_at = monotonic()
        try:
            messages = await self._database.call(_messages, list(silent)) if silent else []
        except BaseException:
            for watched in silent.values():
                watched.heard_at = 0.0
            raise
        joined = [watched for watched in silent.values() if not watched.heard_at]
        for message in messages:
            self.take(message)
        for watched in joined:
            watched.heard_at = 0.0  # What was missed before may be newer than what was read.

    async def _repair(self) -> None:
        while True:
            await asyncio.sleep(conf.REPAIR_INTERVAL / 5)
            await self.repair()

    async def _count(self) -> None:
        """Send the numbers to the operators, once a second, when there is something new."""
        before = ""
        while True:
            await asyncio.sleep(conf.OVERVIEW_INTERVAL)
            if not self._operators:
                before = ""
                continue
            numbers = encode(await self._database.call(overview.overview_numbers))
            rows, self._rows = self._rows, {}
            for socket in self._operators:
                if rows or numbers != before or not socket.overseen:
                    socket.offer_overview(numbers, rows)
            before = numbers

    async def _check(self) -> None:
        """Let go of those who may stay no longer: at a signal soon, otherwise within a minute."""
        while True:
            await asyncio.sleep(LOOK)
            self._present.dismiss_faulty()
            if due := self._doubts.due():
                await self._look_at(due)

    async def _look_at(self, due: dict[int | None, PendingCheck]) -> None:
        users = None if ALL_USERS in due else {who for who in due if who is not ALL_USERS}
        if identities := self._present.identities(users):
            viewers = await self._database.call(viewers_of, identities)
            self._present.dismiss_strangers(viewers)
        self._doubts.looked(due)


def _present(ids: list[UUID]) -> dict[UUID, Present]:
    jobs = load_for_snapshots(ids)
    load_ancestors(jobs)
    return {job.pk: (job, message) for job, message in messages(jobs).items()}


def _messages(ids: list[UUID]) -> list[JobMessage]:
    return list(messages(load_for_snapshots(ids)).values())


_hubs: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]] = WeakKeyDictionary()


def hub() -> Hub:
    """The hub of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _hubs.get(loop)
    if found is None:
        found = _hubs[loop] = Hub()
    return found

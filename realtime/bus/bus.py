"""One thread a process that carries what happens to the broker, the layer and the database.

It starts on first use, so after any fork, and drains when the process ends. Its callers only put
ids into sets: nothing that they do waits for Redis, the broker or the database.

    queued ids   → broker            at once, then again until the broker has them
    changed ids  → Channels layer    at once; those that come together go together
    progress     → Channels layer    ten times a second, the newest state only
    progress     → database          every 2 seconds, with the heartbeat
    changed ids  → their batches     added up, at most 5 times a second
"""

import asyncio
import atexit
import logging
import os
import threading
from collections.abc import Callable, Coroutine, Iterable
from time import monotonic
from typing import Any, Final
from uuid import UUID

from realtime.batches.rollup import batches_to_roll_up, end_failed, roll_up
from realtime.bus.pending import RETRY_SECONDS, PendingIds
from realtime.bus.runs import RunningJobs
from realtime.channel_layer import messages
from realtime.channel_layer.messages import LAYER_ERRORS, JobMessage
from realtime.conf import conf
from realtime.database import DATABASE_ERRORS
from realtime.errors import TimeLimitExceeded
from realtime.jobs import outbox
from realtime.maintenance.round import run_maintenance
from realtime.models import Job, Worker
from realtime.progress.progress import Progress
from realtime.snapshots.build import load_for_snapshots
from realtime.threads import SerialThread

log: Final = logging.getLogger(__name__)
DRAIN_SECONDS: Final = 5.0
"""Seconds that the end of a process waits for what is still to be sent."""
ROLL_UP_PAUSE_MAX: Final = 5.0
"""Seconds that batches wait at most to be added up again."""
COALESCE_SECONDS: Final = 0.1
"""Seconds between two sends of changes. The first leaves at once; those that come in the wake of
it go together, and of a job that began and ended meanwhile only the end is told."""


class Bus:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._database = SerialThread("bus-database")
        self._adding_up = SerialThread(
            "bus-batches"
        )  # May wait for a batch's row; no heartbeat does.
        self._broker = SerialThread("bus-broker")
        self._worker = ""
        self._followed = RunningJobs(self._database)
        self._recovering = False
        self._recovered_at = 0.0
        self._queued = PendingIds(self._loop, self._publish, "not published")
        self._changed = PendingIds(
            self._loop, self._announce, "not announced", pause=COALESCE_SECONDS
        )
        self._batches = PendingIds(self._loop, self._roll_up, "not added up")
        threading.Thread(target=self._run, name="bus", daemon=True).start()

    def publish(self, ids: Iterable[UUID]) -> None:
        """SerialThread these jobs to the broker."""
        self._queued.add(ids)

    def announce(self, ids: Iterable[UUID]) -> None:
        """Send the newest snapshots of these jobs to whoever watches them."""
        self._changed.add(ids)

    def follow(self, progress: Progress) -> None:
        """Send and save what `progress` says, until `unfollow`."""
        self._followed.add(progress, self._loop)

    def unfollow(self, progress: Progress) -> None:
        self._followed.remove(progress)

    def beat(self, worker: str) -> None:
        """Note that `worker` is up, and mend what others left behind when it is time to."""
        self._worker = worker
        asyncio.run_coroutine_threadsafe(self._stamp(worker), self._loop)
        asyncio.run_coroutine_threadsafe(self._recover(), self._loop)

    def kill(self, job_id: UUID, why: str) -> None:
        """Fail a running job of this worker's whose process is gone: it cannot say so itself."""
        asyncio.run_coroutine_threadsafe(self._kill(job_id, why), self._loop)

    def doubt(self, user_id: int | None) -> None:
        """Have all web processes look again at what this user, or everybody, may see."""
        asyncio.run_coroutine_threadsafe(self._doubt(user_id), self._loop)

    def drain(self) -> None:
        """Wait, but not for long, until what was handed over has left, or cannot leave now."""
        deadline = monotonic() + 2 * DRAIN_SECONDS
        # What changed may end a batch, and that is a change again.
        for wanted in (self._queued, self._changed, self._batches, self._changed):
            wanted.settled.wait(max(0.0, min(DRAIN_SECONDS, deadline - monotonic())))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())

    async def _main(self) -> None:
        followed = self._followed
        work = (self._queued.run, self._changed.run, followed.show, followed.save, followed.cancel)
        batches = (self._batches.run, self._move_batches)
        await asyncio.gather(*(_run_for_ever(each) for each in work + batches))

    async def _publish(self, ids: list[UUID]) -> None:
        await self._broker.call(outbox.publish, ids)

    async def _announce(self, ids: list[UUID]) -> None:
        job_messages, batch_ids = await self._database.call(_snapshot_messages, ids)
        if batch_ids:
            self._batches.add(batch_ids)
        if job_messages:  # The rows may be deleted.
            await messages.send_many(job_messages)

    async def _roll_up(self, ids: list[UUID]) -> None:
        """Add up these batches, and let more ends gather before the next time."""
        began = monotonic()
        for batch_id in ids:
            await self._adding_up.call(roll_up, batch_id)
        took = monotonic() - began  # Long when many processes wait for one another's locks.
        await asyncio.sleep(max(conf.ROLL_UP_INTERVAL, min(5 * took, ROLL_UP_PAUSE_MAX)))

    async def _move_batches(self) -> None:
        """Move the bars of the batches whose jobs run here, as often as theirs are saved."""
        while True:
            await asyncio.sleep(conf.PERSIST_INTERVAL)
            if parents := self._followed.parents():
                self._batches.add(parents)

    async def _recover(self) -> None:
        if self._recovering or monotonic() - self._recovered_at < conf.RECOVER_INTERVAL:
            return
        self._recovering = True
        try:
            await run_maintenance(self._broker)
        finally:
            self._recovering = False
            self._recovered_at = monotonic()

    async def _doubt(self, user_id: int | None) -> None:
        try:
            await messages.send_access_check(user_id)
        except LAYER_ERRORS as error:
            log.warning("Ended sessions will be found within a minute: %r", error)

    async def _kill(self, job_id: UUID, why: str) -> None:
        try:
            await self._database.call(_fail, job_id, self._worker, why)
        except DATABASE_ERRORS as error:
            log.warning("%s will be found by its lease: %r", job_id, error)

    async def _stamp(self, worker: str) -> None:
        try:
            await self._database.call(Worker.objects.stamp, worker)
        except DATABASE_ERRORS as error:
            log.warning("The heartbeat of %s is not saved: %r", worker, error)


def _fail(job_id: UUID, worker: str, why: str) -> None:
    for job in Job.objects.filter(pk=job_id, worker=worker):
        end_failed(job, code=TimeLimitExceeded.code, error=why)


async def _run_for_ever(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work` for ever: what no one has foreseen must not end the bus."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("Part of the bus failed, and is started again")
        await asyncio.sleep(RETRY_SECONDS)


def _snapshot_messages(ids: list[UUID]) -> tuple[list[JobMessage], set[UUID]]:
    """What there is to tell of these jobs, and the batches that they may have changed."""
    jobs = load_for_snapshots(ids)
    return list(messages.messages(jobs).values()), batches_to_roll_up(jobs)


_bus: Bus | None = None
_starting = threading.Lock()


def bus() -> Bus:
    """This process's bus."""
    global _bus
    with _starting:
        if _bus is None:
            _bus = Bus()
        return _bus


def drain() -> None:
    if _bus is not None:
        _bus.drain()


def _reset_after_fork() -> None:
    """Threads do not survive a fork: the child starts a bus of its own when it needs one."""
    global _bus, _starting
    _bus, _starting = None, threading.Lock()


os.register_at_fork(after_in_child=_reset_after_fork)
atexit.register(drain)

"""Bus: the background thread of a process: publishes jobs, sends snapshots, saves progress.

It starts on first use, so after any fork, and drains when the process ends. Its callers only put
ids into sets: they never wait for Redis, the broker or the database.

    ids of queued jobs   → broker           at once, then again until the broker has them
    ids of changed jobs  → channel layer    at once; those that come together are sent together
    progress             → channel layer    ten times a second, the newest values only
    progress             → database         every 2 seconds, with the heartbeat
    ids of changed jobs  → their batches    rolled up, at most 5 times a second
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

from realtime.batches.rollup import batches_to_roll_up, roll_up
from realtime.bus.heartbeat import WorkerHeartbeat
from realtime.bus.pending import RETRY_SECONDS, PendingIds
from realtime.bus.runs import RunningJobs
from realtime.channel_layer import messages
from realtime.channel_layer.messages import LAYER_ERRORS, JobMessage
from realtime.conf import conf
from realtime.jobs import outbox
from realtime.progress import Progress
from realtime.snapshots.build import load_for_snapshots
from realtime.threads import SerialThread

log: Final = logging.getLogger(__name__)
DRAIN_SECONDS: Final = 5.0
"""Seconds that the end of a process waits for what is still to be sent."""
ROLL_UP_PAUSE_MAX: Final = 5.0
"""Maximum seconds between two roll-ups of the same batches."""
COALESCE_SECONDS: Final = 0.1
"""Seconds between two sends of changes. The first is sent at once. Those that follow are sent
together, so a job that begins and ends meanwhile is sent once."""


class Bus:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._database = SerialThread("bus-database")
        # A roll-up may wait for the lock of its batch's row; heartbeats must not wait with it.
        self._batches_thread = SerialThread("bus-batches")
        self._broker = SerialThread("bus-broker")
        self._runs = RunningJobs(self._database)
        self._heartbeat = WorkerHeartbeat(database=self._database, broker=self._broker)
        self._queued = PendingIds(self._loop, self._publish, "publish")
        self._changed = PendingIds(
            self._loop, self._send_snapshots, "send snapshots of", pause=COALESCE_SECONDS
        )
        self._batches = PendingIds(self._loop, self._roll_up, "roll up")
        self.roll_up = roll_up  # an attribute, so that tests can replace it
        threading.Thread(target=self._run, name="bus", daemon=True).start()

    def publish(self, ids: Iterable[UUID]) -> None:
        """Publish the messages of these jobs to the broker."""
        self._queued.add(ids)

    def send_snapshots(self, ids: Iterable[UUID]) -> None:
        """Send the newest snapshots of these jobs to their viewers."""
        self._changed.add(ids)

    def add_run(self, progress: Progress) -> None:
        """Send and save the progress of a run, until `remove_run`."""
        self._runs.add(progress, self._loop)

    def remove_run(self, progress: Progress) -> None:
        self._runs.remove(progress)

    def handle_heartbeat(self, worker: str) -> None:
        """Save that `worker` is up, and run maintenance when it is time to."""
        self._start(self._heartbeat.save(worker))
        self._start(self._heartbeat.maintain())

    def fail_killed_job(self, job_id: UUID, error: str) -> None:
        """Fail a running job of this worker whose process was killed, so cannot do it itself."""
        self._start(self._heartbeat.fail_killed_job(job_id, error))

    def request_access_check(self, user_id: int | None) -> None:
        """Have all web processes check again what this user may see; None means all users."""
        self._start(_send_access_check(user_id))

    def drain(self, seconds: float = DRAIN_SECONDS) -> None:
        """Wait until all ids are delivered or have failed once, for up to twice `seconds`."""
        deadline = monotonic() + 2 * seconds
        # Changed jobs may end a batch, which is a changed job again.
        for pending in (self._queued, self._changed, self._batches, self._changed):
            pending.settled.wait(max(0.0, min(seconds, deadline - monotonic())))

    def wait_until_idle(self, seconds: float) -> None:
        """`drain`, and wait until all that the threads have begun has ended. For tests."""
        self.drain()
        asyncio.run_coroutine_threadsafe(self._empty_threads(), self._loop).result(seconds)

    async def _empty_threads(self) -> None:
        for thread in (self._database, self._broker):
            await thread.call(lambda: None)

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())

    async def _main(self) -> None:
        runs = self._runs
        deliveries = (self._queued.run, self._changed.run, self._batches.run)
        rounds = (runs.send_snapshots, runs.save_progress, runs.stop_cancelled, self._move_batches)
        await asyncio.gather(*(_run_for_ever(work) for work in deliveries + rounds))

    async def _publish(self, ids: list[UUID]) -> None:
        await self._broker.call(outbox.publish, ids)

    async def _send_snapshots(self, ids: list[UUID]) -> None:
        job_messages, batch_ids = await self._database.call(_snapshot_messages, ids)
        if batch_ids:
            self._batches.add(batch_ids)
        if job_messages:  # The rows may be deleted.
            await messages.send_many(job_messages)

    async def _roll_up(self, ids: list[UUID]) -> None:
        """Roll up these batches, then let more child jobs end before the next time."""
        began = monotonic()
        for batch_id in ids:
            await self._batches_thread.call(self.roll_up, batch_id)
        seconds = monotonic() - began  # Long when many processes wait for one another's locks.
        await asyncio.sleep(max(conf.ROLL_UP_INTERVAL, min(5 * seconds, ROLL_UP_PAUSE_MAX)))

    async def _move_batches(self) -> None:
        """Move the bars of the batches whose child jobs run here, whenever progress is saved."""
        while True:
            await asyncio.sleep(conf.PERSIST_INTERVAL)
            if parent_ids := self._runs.parent_ids():
                self._batches.add(parent_ids)


async def _send_access_check(user_id: int | None) -> None:
    try:
        await messages.send_access_check(user_id)
    except LAYER_ERRORS as error:
        log.warning("An access check is not sent. It takes place within a minute: %r", error)


async def _run_for_ever(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work` for ever: an unexpected error must not end the bus."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("A part of the bus failed and is started again")
        await asyncio.sleep(RETRY_SECONDS)


def _snapshot_messages(ids: list[UUID]) -> tuple[list[JobMessage], set[UUID]]:
    """The snapshot messages of these jobs, and the batches to roll up."""
    jobs = load_for_snapshots(ids)
    return list(messages.job_messages(jobs).values()), batches_to_roll_up(jobs)


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


def wait_until_idle(seconds: float) -> None:
    if _bus is not None:
        _bus.wait_until_idle(seconds)


def _reset_after_fork() -> None:
    """Threads do not survive a fork: the child starts a bus of its own when it needs one."""
    global _bus, _starting
    _bus, _starting = None, threading.Lock()


os.register_at_fork(after_in_child=_reset_after_fork)
atexit.register(drain)

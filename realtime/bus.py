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
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from time import monotonic
from typing import Any, Final
from uuid import UUID

from realtime import layer, outbox
from realtime.alive import DATABASE_DOWN
from realtime.batches import end_failed, roll_up, touched
from realtime.conf import conf
from realtime.errors import TimeLimitExceeded
from realtime.follow import Followed
from realtime.hand import Hand
from realtime.layer import LAYER_DOWN, JobMessage
from realtime.models import Job, Worker
from realtime.progress import Progress
from realtime.recover import recover
from realtime.snapshots import load

log: Final = logging.getLogger(__name__)

PAUSE: Final = 1.0
"""Seconds between two tries to reach what did not answer."""
DRAIN: Final = 5.0
"""Seconds that the end of a process waits for what is still to be sent."""
REST: Final = 5.0
"""Seconds that batches wait at most to be added up again."""
BATCH: Final = 100
"""Jobs that are read and sent together."""
GATHER: Final = 0.1
"""Seconds between two sends of changes. The first leaves at once; those that come in the wake of
it go together, and of a job that began and ended meanwhile only the end is told."""


class Wanted:
    """A set of ids that callers fill from any thread and one coroutine empties in batches."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        deliver: "Deliver",
        name: str,
        *,
        pause: float = 0.0,
    ) -> None:
        self._loop = loop
        self._pause = pause
        self._deliver = deliver
        self._name = name
        self._lock = threading.Lock()
        self._ids: dict[UUID, None] = {}
        self._some = asyncio.Event()
        self._is_asleep = True
        self.settled = threading.Event()
        """Set while all that was added has been delivered, or its delivery has just failed."""
        self.settled.set()

    def add(self, ids: Iterable[UUID]) -> None:
        with self._lock:
            self.settled.clear()
            self._ids.update(dict.fromkeys(ids))
            was_asleep, self._is_asleep = self._is_asleep, False
        if was_asleep:  # Waking a loop costs a system call, and the caller its turn of the GIL.
            self._loop.call_soon_threadsafe(self._some.set)

    async def run(self) -> None:
        while True:
            await self._some.wait()
            batch = self._take()
            if not batch:
                continue
            try:
                await self._deliver(batch)
            except Exception as error:  # noqa: BLE001 - whatever it was, the ids stay wanted
                log.warning("%s: %s jobs wait: %r", self._name, len(batch), error)
                self._put_back(batch)
                await asyncio.sleep(PAUSE)
            else:
                await asyncio.sleep(self._pause)

    def _put_back(self, batch: list[UUID]) -> None:
        with self._lock:
            self._ids.update(dict.fromkeys(batch))
            self.settled.set()

    def _take(self) -> list[UUID]:
        with self._lock:
            batch = list(self._ids)[:BATCH]
            for job_id in batch:
                del self._ids[job_id]
            if not batch:
                self._some.clear()
                self._is_asleep = True
                self.settled.set()
        return batch


Deliver = Callable[[list[UUID]], Awaitable[None]]


class Bus:
    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._database = Hand("bus-database")
        self._adding_up = Hand("bus-batches")  # May wait for a batch's row; no heartbeat does.
        self._broker = Hand("bus-broker")
        self._worker = ""
        self._followed = Followed(self._database)
        self._recovering = False
        self._recovered_at = 0.0
        self._queued = Wanted(self._loop, self._publish, "not published")
        self._changed = Wanted(self._loop, self._announce, "not announced", pause=GATHER)
        self._batches = Wanted(self._loop, self._roll_up, "not added up")
        threading.Thread(target=self._run, name="bus", daemon=True).start()

    def publish(self, ids: Iterable[UUID]) -> None:
        """Hand these jobs to the broker."""
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
        deadline = monotonic() + 2 * DRAIN
        # What changed may end a batch, and that is a change again.
        for wanted in (self._queued, self._changed, self._batches, self._changed):
            wanted.settled.wait(max(0.0, min(DRAIN, deadline - monotonic())))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._main())

    async def _main(self) -> None:
        followed = self._followed
        work = (self._queued.run, self._changed.run, followed.show, followed.save, followed.cancel)
        batches = (self._batches.run, self._move_batches)
        await asyncio.gather(*(_keep(each) for each in work + batches))

    async def _publish(self, ids: list[UUID]) -> None:
        await self._broker.do(outbox.publish, ids)

    async def _announce(self, ids: list[UUID]) -> None:
        messages, touched = await self._database.do(_news, ids)
        if touched:
            self._batches.add(touched)
        if messages:  # The rows may be gone.
            await layer.send_batch(messages)

    async def _roll_up(self, ids: list[UUID]) -> None:
        """Add up these batches, and let more ends gather before the next time."""
        began = monotonic()
        for batch_id in ids:
            await self._adding_up.do(roll_up, batch_id)
        took = monotonic() - began  # Long when many processes wait for one another's locks.
        await asyncio.sleep(max(conf.ROLL_UP_INTERVAL, min(5 * took, REST)))

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
            await recover(self._broker)
        finally:
            self._recovering = False
            self._recovered_at = monotonic()

    async def _doubt(self, user_id: int | None) -> None:
        try:
            await layer.send_doubt(user_id)
        except LAYER_DOWN as error:
            log.warning("Ended sessions will be found within a minute: %r", error)

    async def _kill(self, job_id: UUID, why: str) -> None:
        try:
            await self._database.do(_fail, job_id, self._worker, why)
        except DATABASE_DOWN as error:
            log.warning("%s will be found by its lease: %r", job_id, error)

    async def _stamp(self, worker: str) -> None:
        try:
            await self._database.do(Worker.objects.stamp, worker)
        except DATABASE_DOWN as error:
            log.warning("The heartbeat of %s is not saved: %r", worker, error)


def _fail(job_id: UUID, worker: str, why: str) -> None:
    for job in Job.objects.filter(pk=job_id, worker=worker):
        end_failed(job, code=TimeLimitExceeded.code, error=why)


async def _keep(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run `work` for ever: what no one has foreseen must not end the bus."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("Part of the bus failed, and is started again")
        await asyncio.sleep(PAUSE)


def _news(ids: list[UUID]) -> tuple[list[JobMessage], set[UUID]]:
    """What there is to tell of these jobs, and the batches that they may have changed."""
    jobs = load(ids)
    return list(layer.messages(jobs).values()), touched(jobs)


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


def _forget() -> None:
    """Threads do not survive a fork: the child starts a bus of its own when it needs one."""
    global _bus, _starting
    _bus, _starting = None, threading.Lock()


os.register_at_fork(after_in_child=_forget)
atexit.register(drain)

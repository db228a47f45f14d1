"""Browsers on real servers, daphne and uvicorn, while Redis fails or other browsers misbehave."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from itertools import count
from random import Random
from time import monotonic
from typing import Any, Final
from uuid import UUID

import pytest
from channels.layers import get_channel_layer
from django.db.models import F
from pytest_django import Settings

from realtime.bus.bus import bus
from realtime.channel_layer import messages
from realtime.live.wire import ACK_EVERY, TOO_MANY, TOO_SLOW
from realtime.models import Job
from realtime.states import JobState, Visibility
from realtime.tests.support.polling import until
from realtime.tests.support.raw_socket import PING, TIMEOUT_SECONDS, Raw, frame, opened
from realtime.tests.support.servers import Web, serving
from realtime.tests.support.valkey import Valkey

pytestmark = [pytest.mark.stack, pytest.mark.once, pytest.mark.django_db(transaction=True)]

Webs = dict[str, Web]

FROZEN: Final = float(os.environ.get("FROZEN_SECONDS") or 3)
"""Seconds that Redis does not answer; longer faults are tested with the default settings."""
QUICK_SETTINGS: Final = (
    {}
    if "FROZEN_SECONDS" in os.environ
    else {"REALTIME_REPAIR_INTERVAL": "2.5", "REALTIME_SEND_DEADLINE": "5"}
)
WATCHERS: Final = 100
JOBS: Final = 12
UP_TO_DATE_AFTER: Final = 10.0 if "FROZEN_SECONDS" in os.environ else 30.0
"""Seconds after a fault in which every browser has to show the database's state; more where other
tests have left the machine busy."""
DROPPED: Final = 30.0
"""Seconds after which a browser that does not read is disconnected."""
COST_MAX: Final = 2 * 1024 * 1024
"""Bytes of memory that one browser that does not read may cost."""
LARGE: Final = 100_000
"""Bytes of a large snapshot."""
READERS_PER_KIND: Final = 4
"""Browsers of each kind: the more there are, the less other uses of memory count."""
LONGEST_GAP: Final = 15.0
"""Seconds between two frames, at most, for a browser that reads twenty frames a second."""


@pytest.fixture(scope="module")
def webs(django_db_setup: None, valkey: Valkey) -> Iterator[Webs]:
    with serving(
        REALTIME_SOCKETS_PER_ADDRESS="1000",
        REALTIME_RESULT_SHOWN_BYTES=str(2 * LARGE),
        **QUICK_SETTINGS,
    ) as both:
        yield both


@pytest.fixture(params=["daphne", "uvicorn"])
def web(request: pytest.FixtureRequest, webs: Webs) -> Web:
    return webs[request.param]


async def make(**fields: Any) -> Job:
    defaults = {"task": "t", "title": "T", "queue": "celery", "visibility": Visibility.PUBLIC}
    return await Job.objects.acreate(**defaults | {"state": JobState.RUNNING} | fields)


class Watcher:
    """A page that watches some jobs."""

    def __init__(self, raw: Raw, jobs: list[Job]) -> None:
        self.raw = raw
        self.seen = {job.pk: (-1, "") for job in jobs}
        self.frames = 0
        self.longest = 0.0

    async def read(self) -> None:
        await self.raw.watch(*self.seen)
        while True:
            waited_since = monotonic()
            frame = await self.raw.receive_json()
            self.frames += 1
            self.longest = max(self.longest, monotonic() - waited_since)
            for job in frame.get("jobs", ()):
                job_id, now = UUID(job["id"]), (job["revision"], job["message"])
                assert now[0] >= self.seen[job_id][0], "A snapshot was older than the one before"
                self.seen[job_id] = now
            if frame["seq"] % ACK_EVERY == 0:
                await self.raw.send_json(type="ack", seq=frame["seq"])


@asynccontextmanager
async def many_watchers(webs: Webs, jobs: list[Job]) -> AsyncIterator[list[Watcher]]:
    """`WATCHERS` on each server, which read until the end of the block."""
    random = Random(4)
    async with AsyncExitStack() as stack:
        places = [web for web in webs.values() for _ in range(WATCHERS)]
        enter = stack.enter_async_context
        sockets = await asyncio.gather(*(enter(opened(web.port)) for web in places))
        watchers = [Watcher(raw, random.sample(jobs, 4)) for raw in sockets]
        async with asyncio.TaskGroup() as group:
            reading = [group.create_task(watcher.read()) for watcher in watchers]
            yield watchers
            for task in reading:
                task.cancel()


async def change(jobs: list[Job]) -> None:
    """Change jobs; for every other change no message is sent, as if it had been lost."""
    random, number = Random(5), 0
    while True:
        number += 1
        job = random.choice(jobs)
        change = {"revision": F("revision") + 1, "message": f"change {number}"}
        await Job.objects.filter(pk=job.pk).aupdate(**change)
        if number % 2:
            bus().send_snapshots([job.pk])
        await asyncio.sleep(0.03)


def kill(valkey: Valkey) -> None:
    valkey.kill()
    time.sleep(1)
    valkey.start()


def freeze(valkey: Valkey) -> None:
    valkey.freeze()
    time.sleep(FROZEN)
    valkey.thaw()


def flush(valkey: Valkey) -> None:
    valkey.flush()


async def count_stale(watchers: list[Watcher]) -> int:
    """How many shown jobs differ from the database."""
    rows = Job.objects.values_list("pk", "revision", "message")
    current = {pk: (revision, message) async for pk, revision, message in rows}
    return sum(current[pk] != seen for each in watchers for pk, seen in each.seen.items())


@pytest.mark.parametrize("fault", [kill, freeze, flush])
async def test_after_a_fault_of_redis_every_browser_is_up_to_date(
    webs: Webs, valkey: Valkey, fault: Callable[[Valkey], None]
) -> None:
    jobs = [await make() for _ in range(JOBS)]
    async with many_watchers(webs, jobs) as watchers:
        await wait_until_up_to_date(watchers, webs)
        async with asyncio.TaskGroup() as group:
            changing = group.create_task(change(jobs))
            await asyncio.sleep(0.5)
            await asyncio.to_thread(fault, valkey)
            await asyncio.sleep(0.5)
            changing.cancel()
        await wait_until_up_to_date(watchers, webs)


async def wait_until_up_to_date(watchers: list[Watcher], webs: Webs) -> None:
    """Wait until no browser is stale; a slow machine, measured by pings, gets more time."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        pinged = [await enter(opened(web.port)) for web in webs.values()]
        began, slowest = monotonic(), 0.0
        while count := await count_stale(watchers):
            pinged_at = monotonic()
            assert all([await raw.is_alive() for raw in pinged])
            slowest = max(slowest, monotonic() - pinged_at)
            assert monotonic() - began < UP_TO_DATE_AFTER * (1 + slowest), f"{count} are stale"
            await asyncio.sleep(0.2)


async def publish(job: Job, end: asyncio.Event, *, hertz: float) -> None:
    """As a worker does, until `end` is set: redis-py may swallow a cancellation (bpo-42130)."""
    for tick in count(1):
        if end.is_set():
            return
        job.tick, job.message = tick, f"step {tick}"
        with suppress(*messages.LAYER_ERRORS):  # as the bus: the next one is newer
            await messages.send_job(messages.job_message(job))
        await asyncio.sleep(1 / hertz)


@asynccontextmanager
async def published(**fields: Any) -> AsyncIterator[Job]:
    """A job that makes progress until the end of the block."""
    job, end = await make(**fields), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(publish(job, end, hertz=20))
        try:
            yield job
        finally:
            end.set()
    await get_channel_layer().flush()


async def never(raw: Raw) -> None:
    """Reads nothing."""


async def trickle(raw: Raw) -> None:
    """Reads a few bytes a second."""
    while True:
        await raw.take(1)
        await asyncio.sleep(0.25)


async def repeat_ack(raw: Raw) -> None:
    """Reads nothing, and acknowledges frame 0 again and again."""
    while True:
        await raw.send_json(type="ack", seq=0)
        await asyncio.sleep(0.25)


async def ack_unread(raw: Raw) -> None:
    """Reads nothing, and acknowledges frames that may have been sent."""
    for seq in count(1):
        await asyncio.sleep(0.1)
        await raw.send_json(type="ack", seq=seq)


Habit = Callable[[Raw], Coroutine[Any, Any, None]]


async def dropped(raw: Raw, job: Job, habit: Habit) -> float:
    """Seconds until a browser with this habit is disconnected."""
    await raw.watch(job.pk)
    doing = asyncio.create_task(habit(raw))
    try:
        return await raw.dropped()
    finally:
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)


async def test_a_browser_that_does_not_read_is_closed_with_a_reason(webs: Webs) -> None:
    async def close_code(web: Web, job: Job, habit: Habit) -> tuple[str, Habit, int]:
        async with opened(web.port) as raw:
            assert await dropped(raw, job, habit) < DROPPED
            return web.name, habit, await raw.closed()

    cases = [(web, habit) for web in webs.values() for habit in (never, trickle, repeat_ack)]
    async with published() as job:
        codes = await asyncio.gather(*(close_code(web, job, habit) for web, habit in cases))
    assert codes == [(web.name, habit, TOO_SLOW) for web, habit in cases]


async def test_a_browser_that_does_not_read_costs_little_and_delays_no_other(
    webs: Webs, settings: Settings
) -> None:
    settings.REALTIME_RESULT_SHOWN_BYTES = 2 * LARGE  # Large frames fill every buffer soon.
    async with published(result="x" * LARGE) as job:
        await asyncio.gather(*(check_cost(web, job) for web in webs.values()))


async def check_cost(web: Web, job: Job) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        other = Watcher(await enter(opened(web.port)), [job])
        reading = asyncio.create_task(other.read())
        await wait_for(lambda: other.frames > 20)
        readers = [
            (await enter(opened(web.port, receive_buffer=4096)), habit)
            for habit in (never, trickle, ack_unread)
            for _ in range(READERS_PER_KIND)
        ]
        before = most = web.memory
        other.longest = 0.0
        dropping = asyncio.gather(*(dropped(raw, job, habit) for raw, habit in readers))
        while not dropping.done():
            most = max(most, web.memory)
            await asyncio.sleep(0.05)
        assert max(await dropping) < DROPPED
        assert other.longest < LONGEST_GAP
        assert most - before < len(readers) * COST_MAX
        assert not reading.done(), reading
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def wait_for(condition: Callable[[], bool]) -> None:
    await asyncio.to_thread(until, condition, within=TIMEOUT_SECONDS, what="the condition is true")


@pytest.mark.parametrize("one", [frame(b'{"type":"ping"}'), frame(b"", opcode=PING)])
async def test_a_flood_is_closed(web: Web, one: bytes) -> None:
    async def flood(raw: Raw) -> None:
        with suppress(OSError):
            while True:
                await raw.write(one * 20_000)

    async with opened(web.port) as other, opened(web.port) as raw:
        flooding = asyncio.create_task(flood(raw))
        assert await raw.closed() == TOO_MANY
        await asyncio.wait_for(flooding, TIMEOUT_SECONDS)
        assert await other.is_alive()

"""Tasks for the real workers and beats of the tests. Enqueue them with `queue=QUEUE`."""

import asyncio
import time
from typing import Final

from celery import shared_task

from realtime.tasks import JobTask

QUEUE: Final = "tests"
SOFT_LIMIT: Final = 8
"""Seconds; on a busy machine the body must have begun by then."""
HARD_LIMIT: Final = 10
LONG: Final = 60
"""Seconds; the limits end the tasks long before."""


@shared_task(base=JobTask, name="test.work.quick")
def quick() -> None:
    pass


@shared_task(base=JobTask, name="test.work.add_up", ignore_result=False)
def add_up(numbers: list[int]) -> int:
    return sum(numbers)


@shared_task(base=JobTask, name="test.work.enclose", ignore_result=False)
def enclose(number: int) -> list[int]:
    return [number]


@shared_task(base=JobTask, name="test.work.discard_result")
def discard_result() -> int:
    return 1


@shared_task(base=JobTask, bind=True, name="test.work.sleep", soft_time_limit=SOFT_LIMIT)
def sleep(self: JobTask) -> None:
    self.progress.item("1", "begun")
    time.sleep(LONG)


@shared_task(base=JobTask, bind=True, name="test.work.async_sleep", soft_time_limit=SOFT_LIMIT)
async def async_sleep(self: JobTask) -> None:
    self.progress.item("1", "begun")
    try:
        await asyncio.sleep(LONG)
    finally:
        self.progress.item("2", "tidied up")


@shared_task(base=JobTask, bind=True, name="test.work.async_use_socket", soft_time_limit=SOFT_LIMIT)
async def async_use_socket(self: JobTask) -> None:
    """Reads and writes a socket all the time, so that the event loop hardly ever waits."""
    self.progress.item("1", "begun")
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        while True:
            writer.write(b"x")
            await reader.readexactly(1)


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(1):
            writer.write(data)
    finally:
        writer.close()


@shared_task(
    base=JobTask,
    name="test.work.async_busy_loop",
    soft_time_limit=SOFT_LIMIT,
    time_limit=HARD_LIMIT,
)
async def async_busy_loop() -> None:
    """Never gives control back to the event loop."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        pass


@shared_task(
    base=JobTask,
    name="test.work.ignore_exceptions",
    soft_time_limit=SOFT_LIMIT,
    time_limit=HARD_LIMIT,
)
def ignore_exceptions() -> None:
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            time.sleep(LONG)
        except Exception:  # noqa: BLE001 - it ignores the soft time limit
            continue


@shared_task(
    base=JobTask,
    name="test.work.async_ignore_exceptions",
    soft_time_limit=SOFT_LIMIT,
    time_limit=HARD_LIMIT,
)
async def async_ignore_exceptions() -> None:
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            await asyncio.sleep(LONG)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001
            continue

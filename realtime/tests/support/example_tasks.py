"""Tasks for real workers and beats; enqueue them with `queue=QUEUE`, the workers' own."""

import asyncio
import time
from typing import Final

from celery import shared_task

from realtime.tasks import JobTask

QUEUE: Final = "tests"
SOFT: Final = 8
"""Seconds, in which a busy machine has to begin the body."""
HARD: Final = 10
LONG: Final = 60
"""Seconds; no test waits for them."""


@shared_task(base=JobTask, name="test.work.quick")
def quick() -> None:
    pass


@shared_task(base=JobTask, bind=True, name="test.work.slow", soft_time_limit=SOFT)
def slow(self: JobTask) -> None:
    self.progress.item("1", "begun")
    time.sleep(LONG)


@shared_task(base=JobTask, bind=True, name="test.work.aslow", soft_time_limit=SOFT)
async def aslow(self: JobTask) -> None:
    self.progress.item("1", "begun")
    try:
        await asyncio.sleep(LONG)
    finally:
        self.progress.item("2", "tidied up")


@shared_task(base=JobTask, bind=True, name="test.work.chatty", soft_time_limit=SOFT)
async def chatty(self: JobTask) -> None:
    """Busy with a socket, so that the loop hardly ever waits."""
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


@shared_task(base=JobTask, name="test.work.busy", soft_time_limit=SOFT, time_limit=HARD)
async def busy() -> None:
    """Never waits for anything."""
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        pass


@shared_task(base=JobTask, name="test.work.deaf", soft_time_limit=SOFT, time_limit=HARD)
def deaf() -> None:
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            time.sleep(LONG)
        except Exception:  # noqa: BLE001 - deaf it is to be
            continue


@shared_task(base=JobTask, name="test.work.adeaf", soft_time_limit=SOFT, time_limit=HARD)
async def adeaf() -> None:
    end = time.monotonic() + LONG
    while time.monotonic() < end:
        try:
            await asyncio.sleep(LONG)
        except (Exception, asyncio.CancelledError):  # noqa: BLE001
            continue

"""Every byte that a real daphne sends, of large and small frames that are sent at the same time."""

import asyncio
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from subprocess import PIPE, STDOUT, Popen

import httpx
import pytest

from realtime.servers.tests.frames_application import COUNTS, END, text
from realtime.tests.support.polling import until
from realtime.tests.support.ports import free_port
from realtime.tests.support.raw_socket import (
    PING,
    PONG,
    TEXT,
    TIMEOUT_SECONDS,
    Frame,
    Raw,
    opened,
)
from realtime.tests.support.worker_process import HOME

pytestmark = pytest.mark.once

APPLICATION = "realtime.servers.tests.frames_application:application"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The port of a daphne that serves the application."""
    port = free_port()
    command = [sys.executable, "-m", "daphne", "-p", str(port), APPLICATION]
    with Popen(command, cwd=HOME, stdout=PIPE, stderr=STDOUT) as process:
        try:
            until(lambda: responds(port), within=TIMEOUT_SECONDS, what="daphne answers")
            yield port
        finally:
            process.kill()


def responds(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).is_success
    except httpx.TransportError:
        return False


def test_a_running_daphne_is_recognized(port: int) -> None:
    assert httpx.get(f"http://127.0.0.1:{port}/", trust_env=False).text == "True"


@pytest.mark.parametrize("receive_buffer", [None, 4096])
async def test_large_and_small_frames_arrive_byte_for_byte(
    port: int, receive_buffer: int | None
) -> None:
    async with opened(port, receive_buffer=receive_buffer) as raw, asyncio.timeout(TIMEOUT_SECONDS):
        sending = asyncio.create_task(send_pings(raw))
        frames = await read_slowly(raw)
        sending.cancel()
    numbers: Counter[str] = Counter()
    for frame in frames:
        series = frame.payload.decode().partition(" ")[0]
        assert frame.payload.decode() == text(series, numbers[series])
        numbers[series] += 1
    assert numbers == COUNTS


async def send_pings(raw: Raw) -> None:
    """daphne answers pings itself, through Twisted's buffer, between the frames."""
    with suppress(OSError):  # until the server has closed the connection
        while True:
            await raw.send(b"ping", opcode=PING)
            await asyncio.sleep(0.002)


async def read_slowly(raw: Raw) -> list[Frame]:
    """The text frames before the last one; every other frame must be a pong."""
    random, frames, pongs = Random(3), list[Frame](), 0
    while True:
        if random.random() < 0.05:
            await asyncio.sleep(0.01)
        frame = await raw.receive()
        assert frame is not None
        if frame.opcode == PONG:
            assert frame.payload == b"ping"
            pongs += 1
        else:
            assert frame.opcode == TEXT
            if frame.payload == END.encode():
                assert pongs
                return frames
            frames.append(frame)

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pytest_django import Settings

from realtime.access import Viewer
from realtime.live.overview_feed import OverviewFeed
from realtime.live.socket import Socket


class RecordingSocket(Socket):
    def __init__(self) -> None:
        super().__init__(self._ignore, Viewer(is_operator=True))
        self.offers: list[tuple[str, dict[str, str]]] = []

    async def _ignore(self, message: dict[str, Any]) -> None:
        pass

    def offer_overview(self, numbers: str, rows: dict[str, str]) -> None:
        self.has_overview = True
        self.offers.append((numbers, rows))


class Numbers:
    def __init__(self) -> None:
        self.waiting = 0
        self.reads = 0

    async def read(self) -> dict[str, int]:
        self.reads += 1
        return {"waiting": self.waiting}

    async def wait_for_reads(self, number: int) -> None:
        target = self.reads + number
        while self.reads < target:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0)


@pytest.fixture(autouse=True)
def quick(settings: Settings) -> None:
    settings.REALTIME_OVERVIEW_INTERVAL = 0.0


@asynccontextmanager
async def running(feed: OverviewFeed, numbers: Numbers) -> AsyncIterator[None]:
    task = asyncio.create_task(feed.send_forever(numbers.read))
    try:
        yield
    finally:
        task.cancel()


async def test_only_changed_overviews_are_sent() -> None:
    feed, numbers, socket = OverviewFeed(), Numbers(), RecordingSocket()
    feed.add(socket)
    async with running(feed, numbers):
        await numbers.wait_for_reads(3)
        assert socket.offers == [('{"waiting":0}', {})]
        numbers.waiting = 1
        await numbers.wait_for_reads(3)
        feed.add_rows({"a": "row"})
        await numbers.wait_for_reads(3)
    assert socket.offers[1:] == [('{"waiting":1}', {}), ('{"waiting":1}', {"a": "row"})]


async def test_a_new_socket_gets_the_present_overview() -> None:
    feed, numbers, first, second = OverviewFeed(), Numbers(), RecordingSocket(), RecordingSocket()
    feed.add(first)
    async with running(feed, numbers):
        await numbers.wait_for_reads(2)
        feed.add(second)
        await numbers.wait_for_reads(2)
    assert second.offers == [('{"waiting":0}', {})]


async def test_without_sockets_nothing_is_read() -> None:
    feed, numbers, socket = OverviewFeed(), Numbers(), RecordingSocket()
    feed.add(socket)
    feed.discard(socket)
    async with running(feed, numbers):
        for _ in range(10):
            await asyncio.sleep(0)
    assert (numbers.reads, bool(feed)) == (0, False)

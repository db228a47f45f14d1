"""What a process's subscriptions leave behind in the layer, on a real server."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings
from redis.exceptions import RedisError

from realtime.channel_layer.subscriptions import Subscriptions

WAIT = 60
"""Seconds, for what takes a few milliseconds."""

pytestmark = pytest.mark.usefixtures("valkey")


@pytest.fixture(autouse=True)
def patient(settings: Settings) -> None:
    """What is too late ends the task, which only the hub begins anew."""
    settings.REALTIME_LAYER_TIMEOUT = WAIT


class Listener:
    """Wants some groups, and notes what it hears of them."""

    def __init__(self, *wanted: str) -> None:
        self.wanted = set(wanted)
        self.heard: list[Any] = []
        self.joined: list[str] = []
        self.subscriptions = Subscriptions(
            wanted=lambda: self.wanted, heard=self.hear, joined=self.joined.append
        )

    def hear(self, message: Any) -> None:
        self.heard.append(message["n"])

    def begin(self) -> list["asyncio.Task[None]"]:
        work = (self.subscriptions.receive, self.subscriptions.subscribe)
        return [asyncio.create_task(each()) for each in work]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        tasks = self.begin()
        try:
            yield
        finally:
            await ended(tasks)


async def ended(tasks: list["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def traces() -> tuple[int, int, int]:
    """Channels, groups and subscriptions that the layer knows of here."""
    layer = get_channel_layer()
    subscribed = sum(len(shard._subscribed_to) for shard in layer._shards)
    return len(layer.channels), len(layer.groups), subscribed


async def happens(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not what():  # noqa: ASYNC110 - of what others do, of which nothing tells
            await asyncio.sleep(0.01)


async def test_whoever_ends_leaves_nothing_behind() -> None:
    listener = Listener("people", "job.1")
    for _ in range(3):
        async with listener.listening():
            await happens(lambda: {*listener.joined} == {"people", "job.1"})
            assert traces() == (1, 2, 3)
        listener.joined.clear()
        assert traces() == (0, 0, 0)
    await get_channel_layer().flush()


async def test_whoever_ends_while_it_begins_leaves_nothing_behind() -> None:
    listener = Listener("people", "job.1")
    for turns in range(40):
        async with listener.listening():
            for _ in range(turns):
                await asyncio.sleep(0)
    async with listener.listening():
        await happens(lambda: len(listener.joined) >= 2 and traces() == (1, 2, 3))
    assert traces() == (0, 0, 0)
    await get_channel_layer().flush()


async def test_whoever_comes_as_another_leaves_is_heard() -> None:
    listener = Listener("people", "job.1")
    first = listener.begin()
    await happens(lambda: len(listener.joined) == 2)
    for task in first:
        task.cancel()
    async with listener.listening():
        await happens(lambda: len(listener.joined) == 4 and traces() == (1, 2, 3))
        await get_channel_layer().group_send("people", {"n": 1})
        await happens(lambda: listener.heard == [1])
    await ended(first)
    await get_channel_layer().flush()


async def test_what_is_wanted_no_longer_is_left() -> None:
    listener = Listener("people", "job.1")
    async with listener.listening():
        await happens(lambda: len(listener.joined) == 2)
        listener.wanted = {"people", "job.2"}
        listener.subscriptions.change()
        await happens(lambda: listener.joined[2:] == ["job.2"] and traces() == (1, 2, 3))
    await get_channel_layer().flush()


@pytest.mark.parametrize("odd", [{"type": "person"}, "text"])
async def test_a_message_that_cannot_be_read_keeps_no_other_away(odd: Any) -> None:
    listener = Listener("people")
    async with listener.listening():
        await happens(lambda: bool(listener.joined))
        await get_channel_layer().group_send("people", odd)
        await get_channel_layer().group_send("people", {"n": 1})
        await happens(lambda: listener.heard == [1])
        assert listener.joined == ["people"]
    await get_channel_layer().flush()


async def test_a_server_that_refuses_leaves_nothing_behind(settings: Settings) -> None:
    config = {"hosts": ["redis://127.0.0.1:1"]}
    backend = "realtime.channel_layer.redis.RedisPubSubChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": config}}
    for _ in range(3):
        with pytest.raises((OSError, RedisError)):
            await Listener("people").subscriptions.receive()
    assert traces() == (0, 0, 0)
    await get_channel_layer().flush()

"""Subscriptions on a real server, and that none is left in the channel layer afterwards."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from channels.layers import get_channel_layer
from pytest_django import Settings
from redis.exceptions import RedisError

from realtime.channel_layer.subscriptions import Subscriptions

TIMEOUT_SECONDS = 60
"""Far more than any answer takes."""

pytestmark = pytest.mark.usefixtures("valkey")


@pytest.fixture(autouse=True)
def long_layer_timeout(settings: Settings) -> None:
    """A timeout would end the task, which only the hub starts again."""
    settings.REALTIME_LAYER_TIMEOUT = TIMEOUT_SECONDS


class Listener:
    """Joins some groups, and records their messages."""

    def __init__(self, *groups: str) -> None:
        self.groups = set(groups)
        self.received: list[Any] = []
        self.joined: list[str] = []
        self.subscriptions = Subscriptions(
            groups=lambda: self.groups, on_message=self.record, on_join=self.joined.append
        )

    def record(self, message: Any) -> None:
        self.received.append(message["n"])

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


def registrations() -> tuple[int, int, int]:
    """How many channels, groups and subscriptions the channel layer has."""
    layer = get_channel_layer()
    subscribed = sum(len(shard._subscribed_to) for shard in layer._shards)
    return len(layer.channels), len(layer.groups), subscribed


async def wait_for(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while not condition():  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.01)


async def test_a_listener_that_ends_leaves_nothing_behind() -> None:
    listener = Listener("people", "job.1")
    for _ in range(3):
        async with listener.listening():
            await wait_for(lambda: {*listener.joined} == {"people", "job.1"})
            assert registrations() == (1, 2, 3)
        listener.joined.clear()
        assert registrations() == (0, 0, 0)
    await get_channel_layer().flush()


async def test_a_listener_that_ends_while_it_begins_leaves_nothing_behind() -> None:
    listener = Listener("people", "job.1")
    for turns in range(40):
        async with listener.listening():
            for _ in range(turns):
                await asyncio.sleep(0)
    async with listener.listening():
        await wait_for(lambda: len(listener.joined) >= 2 and registrations() == (1, 2, 3))
    assert registrations() == (0, 0, 0)
    await get_channel_layer().flush()


async def test_a_listener_that_begins_while_another_ends_receives_messages() -> None:
    listener = Listener("people", "job.1")
    first = listener.begin()
    await wait_for(lambda: len(listener.joined) == 2)
    for task in first:
        task.cancel()
    async with listener.listening():
        await wait_for(lambda: len(listener.joined) == 4 and registrations() == (1, 2, 3))
        await get_channel_layer().group_send("people", {"n": 1})
        await wait_for(lambda: listener.received == [1])
    await ended(first)
    await get_channel_layer().flush()


async def test_groups_that_are_no_longer_needed_are_left() -> None:
    listener = Listener("people", "job.1")
    async with listener.listening():
        await wait_for(lambda: len(listener.joined) == 2)
        listener.groups = {"people", "job.2"}
        listener.subscriptions.change()
        await wait_for(lambda: listener.joined[2:] == ["job.2"] and registrations() == (1, 2, 3))
    await get_channel_layer().flush()


@pytest.mark.parametrize("odd", [{"type": "person"}, "text"])
async def test_a_broken_message_does_not_stop_the_others(odd: Any) -> None:
    listener = Listener("people")
    async with listener.listening():
        await wait_for(lambda: bool(listener.joined))
        await get_channel_layer().group_send("people", odd)
        await get_channel_layer().group_send("people", {"n": 1})
        await wait_for(lambda: listener.received == [1])
        assert listener.joined == ["people"]
    await get_channel_layer().flush()


async def test_a_server_that_refuses_leaves_nothing_behind(settings: Settings) -> None:
    config = {"hosts": ["redis://127.0.0.1:1"]}
    backend = "realtime.channel_layer.redis.RedisPubSubChannelLayer"
    settings.CHANNEL_LAYERS = {"default": {"BACKEND": backend, "CONFIG": config}}
    for _ in range(3):
        with pytest.raises((OSError, RedisError)):
            await Listener("people").subscriptions.receive()
    assert registrations() == (0, 0, 0)
    await get_channel_layer().flush()

"""The channel layer that sends many messages at once, on a real server."""

import asyncio
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import RedisError

from realtime.channel_layer.redis import RedisPubSubChannelLayer
from realtime.tests.support.valkey import Valkey, running_valkey

TIMEOUT_SECONDS = 10
"""Far more than any answer takes."""


def layer_of(*servers: Valkey) -> RedisPubSubChannelLayer:
    return RedisPubSubChannelLayer(hosts=[{"address": each.url} for each in servers])


async def received(layer: RedisPubSubChannelLayer, channel: str, number: int) -> list[Any]:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        return [await layer.receive(channel) for _ in range(number)]


def numbered(number: int) -> list[tuple[str, Any]]:
    return [(f"job.{n % 7}", {"type": "job", "n": n}) for n in range(number)]


async def sent_and_received(layer: RedisPubSubChannelLayer, number: int) -> list[Any]:
    channel = await layer.new_channel()
    for n in range(7):
        await layer.group_add(f"job.{n}", channel)
    await layer.group_send_many(numbered(number))
    got = await received(layer, channel, number)
    await layer.group_send_many([])
    await layer.flush()
    return got


def test_each_message_arrives_in_its_order(valkey: Valkey) -> None:
    messages = [message for _, message in numbered(100)]
    assert asyncio.run(sent_and_received(layer_of(valkey), 100)) == messages


def test_an_untried_version_of_channels_redis_sends_messages_one_by_one(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    class Layer(RedisPubSubChannelLayer):
        async def group_send(self, group: str, message: Any) -> None:
            sent.append(group)
            await super().__getattr__("group_send")(group, message)

    monkeypatch.setattr("realtime.channel_layer.redis._is_tried_version", lambda: False)
    layer = Layer(hosts=[{"address": valkey.url}])
    messages = [message for _, message in numbered(10)]
    assert asyncio.run(sent_and_received(layer, 10)) == messages
    assert sent == [group for group, _ in numbered(10)]


def test_each_message_goes_to_the_server_of_its_group(valkey: Valkey, tmp_path: Path) -> None:
    with running_valkey(socket=tmp_path / "other.sock") as other:
        got = asyncio.run(sent_and_received(layer_of(valkey, other), 100))
    assert sorted(message["n"] for message in got) == list(range(100))


def test_only_the_members_of_a_group_get_its_messages(valkey: Valkey) -> None:
    async def run() -> Any:
        layer = layer_of(valkey)
        channel = await layer.new_channel()
        await layer.group_add("job.1", channel)
        await layer.group_send_many([("job.2", {"n": 2}), ("job.1", {"n": 1})])
        first = await received(layer, channel, 1)
        await layer.flush()
        return first

    assert asyncio.run(run()) == [{"n": 1}]


def test_a_stopped_server_is_an_error_and_a_restarted_one_is_used(tmp_path: Path) -> None:
    async def run() -> Any:
        with running_valkey(socket=tmp_path / "one.sock") as server:
            layer = layer_of(server)
            await layer.group_send_many(numbered(3))
        with pytest.raises((OSError, RedisError)):
            await layer.group_send_many(numbered(3))
        with running_valkey(socket=tmp_path / "one.sock"):
            return await sent_and_received(layer, 3)

    assert len(asyncio.run(run())) == 3

"""The channel layer over Redis pub/sub, which can send many messages in one round trip."""

from collections import defaultdict
from collections.abc import Iterable
from functools import cache
from typing import Any
from uuid import uuid4

from channels_redis import pubsub

from realtime.versions import is_tried_version


class RedisPubSubChannelLayer(pubsub.RedisPubSubChannelLayer):  # type: ignore[misc]  # untyped
    """As in channels-redis, where most of a message's time is the wait for Redis's answer.

    It uses private methods of channels-redis; with another version than the tried one, it behaves
    as that one does.
    """

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A new channel; channels-redis itself would keep one whose subscription failed."""
        if not _is_tried_version():
            return str(await super().__getattr__("new_channel")(prefix))
        layer = self._get_layer()
        channel = f"{layer.prefix}{prefix}{uuid4().hex}"
        try:
            await layer._subscribe_to_channel(channel)
        except BaseException:
            layer.channels.pop(channel, None)
            raise
        return channel

    async def group_send_many(self, messages: Iterable[tuple[str, Any]]) -> None:
        """`group_send` for each of these groups and messages, in order within a shard.

        Raises:
            OSError, redis.exceptions.RedisError: some may have been sent, or all, or none.
        """
        if not _is_tried_version():
            for group, message in messages:
                await self.group_send(group, message)
            return
        layer = self._get_layer()
        publications_by_shard = defaultdict(list)
        for group, message in messages:
            channel = layer._get_group_channel_name(group)
            publications_by_shard[layer._get_shard(channel)].append(
                (channel, self.serialize(message))
            )
        for shard, publications in publications_by_shard.items():
            async with shard._lock:
                shard._ensure_redis()
                async with shard._redis.pipeline(transaction=False) as pipeline:
                    for publication in publications:
                        pipeline.publish(*publication)
                    await pipeline.execute()


@cache
def _is_tried_version() -> bool:
    return is_tried_version(
        "channels-redis",
        "4.3",
        consequence="messages are sent to Redis one by one, which is slower.",
    )

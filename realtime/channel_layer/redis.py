"""The channel layer over Redis pub/sub, which can send many messages in one round trip."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

from channels_redis import pubsub


class RedisPubSubChannelLayer(pubsub.RedisPubSubChannelLayer):  # type: ignore[misc]  # untyped
    """As in channels-redis, where most of a message's time is the wait for Redis's answer."""

    async def new_channel(self, prefix: str = "specific.") -> str:
        """A new channel; channels-redis itself would keep one whose subscription failed."""
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

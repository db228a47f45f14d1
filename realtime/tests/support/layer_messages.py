"""Receives the messages of a group of the channel layer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from channels.layers import get_channel_layer

TIMEOUT_SECONDS = 60


@asynccontextmanager
async def messages_of(name: str) -> AsyncIterator[Any]:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(name, channel)

    async def receive() -> dict[str, Any]:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return dict(await layer.receive(channel))

    yield receive
    await layer.flush()

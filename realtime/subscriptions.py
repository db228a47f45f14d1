"""A process's one channel in the layer, and the groups that it listens to."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from channels.layers import get_channel_layer

from realtime.conf import conf

T = TypeVar("T")


class Subscriptions:
    """Keeps the layer's groups equal to `wanted()`, whatever becomes of the layer meanwhile.

    `heard` takes each message; `joined` is told the names of groups that have just been joined:
    what was sent to them before may have been missed.
    """

    def __init__(
        self,
        *,
        wanted: Callable[[], set[str]],
        heard: Callable[[dict[str, Any]], None],
        joined: Callable[[str], None],
    ) -> None:
        self._wanted = wanted
        self._heard = heard
        self._joined = joined
        self._channel = ""
        self._groups: set[str] = set()
        self._changed = asyncio.Event()

    def change(self) -> None:
        """What is wanted may have changed."""
        self._changed.set()

    async def receive(self) -> None:
        layer = get_channel_layer()
        self._channel, self._groups = "", set()
        self._channel = await in_time(layer.new_channel())
        self._changed.set()
        while True:
            self._heard(await layer.receive(self._channel))

    async def subscribe(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                await self._match()
            except BaseException:
                self._changed.set()
                raise

    async def _match(self) -> None:
        channel, layer = self._channel, get_channel_layer()
        if not channel:
            return
        wanted = self._wanted()
        for name in wanted - self._groups:
            await in_time(layer.group_add(name, channel))
            self._groups.add(name)
            self._joined(name)
        for name in self._groups - wanted:
            await in_time(layer.group_discard(name, channel))
            self._groups.discard(name)


async def in_time(call: Coroutine[Any, Any, T]) -> T:
    """What `call`, one of the layer's, returns, if it does so in time.

    It runs in a task of its own, so that a cancellation of the caller reaches the caller: below
    Python 3.12 `asyncio.wait_for`, which redis-py uses, may swallow it (bpo-42130).
    """
    async with asyncio.timeout(conf.LAYER_TIMEOUT):
        return await asyncio.shield(asyncio.ensure_future(call))

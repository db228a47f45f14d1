"""A process's one channel in the layer, and the groups that it listens to."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Final, TypeVar

from channels.layers import get_channel_layer

from realtime.channel_layer.messages import LAYER_ERRORS
from realtime.conf import conf

log: Final = logging.getLogger(__name__)

T = TypeVar("T")


class Membership:
    """One channel, and the groups that send to it."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.is_over = False
        self.joined: set[str] = set()
        self.touched: set[str] = set()
        """The joined ones, and those of which a call that failed leaves it open."""

    async def join(self, layer: Any, name: str) -> None:
        self.touched.add(name)
        await with_timeout(layer.group_add(name, self.channel))
        self.joined.add(name)

    async def leave(self, layer: Any, name: str) -> None:
        self.joined.discard(name)
        await with_timeout(layer.group_discard(name, self.channel))
        self.touched.discard(name)

    async def end(self, layer: Any) -> None:
        """Leave all groups together: none waits for the answer to another."""
        self.is_over = True
        leaving = [layer.group_discard(name, self.channel) for name in self.touched]
        with suppress(TimeoutError):
            await with_timeout(asyncio.gather(*leaving, return_exceptions=True))


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
        self._membership: Membership | None = None
        self._coming: asyncio.Future[str] | None = None
        self._changed = asyncio.Event()

    def change(self) -> None:
        """What is wanted may have changed."""
        self._changed.set()

    async def receive(self) -> None:
        """Hear what the groups are sent; however it ends, none of them knows the channel then."""
        layer = get_channel_layer()
        self._membership = None
        self._membership = membership = Membership(await self._new_channel(layer))
        self._changed.set()
        try:
            while True:
                await self._hear(layer, membership.channel)
        finally:
            await membership.end(layer)

    async def _new_channel(self, layer: Any) -> str:
        """One that comes too late for who asked is the next one's: the layer cannot drop it."""
        if self._coming is None or _has_failed(self._coming):
            self._coming = asyncio.ensure_future(layer.new_channel())
        channel: str = await with_timeout(self._coming)
        self._coming = None
        return channel

    async def _hear(self, layer: Any, channel: str) -> None:
        try:
            self._heard(await layer.receive(channel))
        except LAYER_ERRORS:
            raise
        except Exception:  # One that cannot be read must not keep the others from us.
            log.exception("A message of the layer cannot be read")

    async def subscribe(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                if self._membership:
                    await self._match(self._membership)
            except BaseException:
                self._changed.set()
                raise

    async def _match(self, membership: Membership) -> None:
        layer, wanted = get_channel_layer(), self._wanted()
        for name in wanted - membership.joined:
            if membership.is_over:
                return
            await membership.join(layer, name)
            self._joined(name)
        for name in membership.touched - wanted:
            await membership.leave(layer, name)


def _has_failed(future: "asyncio.Future[str]") -> bool:
    return future.done() and (future.cancelled() or future.exception() is not None)


async def with_timeout(call: Awaitable[T]) -> T:
    """What `call`, one of the layer's, returns, if it does so in time.

    It runs in a task of its own, so that a cancellation of the caller reaches the caller: below
    Python 3.12 `asyncio.wait_for`, which redis-py uses, may swallow it (bpo-42130).
    """
    async with asyncio.timeout(conf.LAYER_TIMEOUT):
        return await asyncio.shield(asyncio.ensure_future(call))

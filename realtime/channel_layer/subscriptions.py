"""Subscriptions: a process's one channel in the channel layer, and the groups that it joins."""

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
    """One channel, and the groups that it has joined."""

    def __init__(self, channel: str) -> None:
        self.channel = channel
        self.has_ended = False
        self.joined: set[str] = set()
        self.perhaps_joined: set[str] = set()
        """The joined groups, and those for which a failed call may or may not have worked."""

    async def join(self, layer: Any, name: str) -> None:
        self.perhaps_joined.add(name)
        await with_timeout(layer.group_add(name, self.channel))
        self.joined.add(name)

    async def leave(self, layer: Any, name: str) -> None:
        self.joined.discard(name)
        await with_timeout(layer.group_discard(name, self.channel))
        self.perhaps_joined.discard(name)

    async def end(self, layer: Any) -> None:
        """Leave all groups at the same time."""
        self.has_ended = True
        leaving = [layer.group_discard(name, self.channel) for name in self.perhaps_joined]
        with suppress(TimeoutError):
            await with_timeout(asyncio.gather(*leaving, return_exceptions=True))


class Subscriptions:
    """Keeps the joined groups equal to `groups()`, also when the channel layer fails meanwhile.

    It calls `on_message` with each message, and `on_join` with the name of each group that it has
    just joined: earlier messages to that group are lost.
    """

    def __init__(
        self,
        *,
        groups: Callable[[], set[str]],
        on_message: Callable[[dict[str, Any]], None],
        on_join: Callable[[str], None],
    ) -> None:
        self._groups = groups
        self._on_message = on_message
        self._on_join = on_join
        self._membership: Membership | None = None
        self._next_channel: asyncio.Future[str] | None = None
        self._changed = asyncio.Event()

    def change(self) -> None:
        """Call this when `groups()` may have changed."""
        self._changed.set()

    async def receive(self) -> None:
        """Receive messages until an error; in the end the channel leaves all groups."""
        layer = get_channel_layer()
        self._membership = None
        self._membership = membership = Membership(await self._new_channel(layer))
        self._changed.set()
        try:
            while True:
                await self._receive_one(layer, membership.channel)
        finally:
            await membership.end(layer)

    async def _new_channel(self, layer: Any) -> str:
        """A new channel; one that was made too late is used by the next call, as the channel layer
        cannot delete it."""
        if self._next_channel is None or _has_failed(self._next_channel):
            self._next_channel = asyncio.ensure_future(layer.new_channel())
        channel: str = await with_timeout(self._next_channel)
        self._next_channel = None
        return channel

    async def _receive_one(self, layer: Any, channel: str) -> None:
        try:
            self._on_message(await layer.receive(channel))
        except LAYER_ERRORS:
            raise
        except Exception:  # one broken message must not stop the others
            log.exception("A message from the channel layer could not be handled")

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
        layer, groups = get_channel_layer(), self._groups()
        for name in groups - membership.joined:
            if membership.has_ended:
                return
            await membership.join(layer, name)
            self._on_join(name)
        for name in membership.perhaps_joined - groups:
            await membership.leave(layer, name)


def _has_failed(future: "asyncio.Future[str]") -> bool:
    return future.done() and (future.cancelled() or future.exception() is not None)


async def with_timeout(call: Awaitable[T]) -> T:
    """Await `call` of the channel layer for at most `REALTIME_LAYER_TIMEOUT` seconds.

    The call runs in a task of its own, so that a cancellation reaches the caller: below
    Python 3.12 `asyncio.wait_for`, which redis-py uses, may swallow it (bpo-42130).

    Raises:
        TimeoutError: the channel layer did not answer in time.
    """
    async with asyncio.timeout(conf.LAYER_TIMEOUT):
        return await asyncio.shield(asyncio.ensure_future(call))

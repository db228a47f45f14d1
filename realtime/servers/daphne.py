# ruff: noqa: N802 - the names are Twisted's
"""daphne's WebSocket, with the backpressure that it does not have by itself (django/daphne#170).

Twisted's transports tell a producer when they hold more than 64 KiB that the reader has not taken.
daphne registers none and keeps whatever is sent: a reader that acknowledges what it does not read
would have it keep everything. And what `--websocket-max-message-size` is for what comes in, it
takes for what goes out too.
"""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from realtime.servers.direct_write import write_directly
from realtime.servers.frames import text_frame

Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


def with_backpressure(send: Send) -> Send:
    """`send` of a socket that is open; on daphne it waits while the reader is behind."""
    protocol = send.args[0] if isinstance(send, partial) and send.args else None
    return Valve(send, protocol).send if hasattr(protocol, "registerProducer") else send


class Valve:
    """One connection's producer, in Twisted's sense (`IPushProducer`); it sends text and the close,
    to a connection without extensions, of which daphne has none."""

    def __init__(self, send: Send, protocol: Any) -> None:
        self._send = send
        self._protocol = protocol
        self._open = asyncio.Event()
        self._open.set()
        self.pinged: Callable[[], None] = _nothing
        self._answer = protocol.onPing
        protocol.onPing = self._ping
        protocol.unregisterProducer()  # that of the HTTP request which the handshake was
        protocol.registerProducer(self, True)  # noqa: FBT003 - Twisted names it otherwise each time

    async def send(self, message: dict[str, Any]) -> None:
        text = message.get("text")
        if text is None:
            self._end()
            await self._send(message)
            return
        if not self._open.is_set():
            await self._open.wait()
        if self._protocol.state == self._protocol.STATE_OPEN:
            write_directly(self._protocol.transport, text_frame(text))

    def _ping(self, payload: bytes) -> None:
        self.pinged()
        self._answer(payload)

    def _end(self) -> None:
        """A transport with a producer does not close; and what still comes is for nobody."""
        self.resumeProducing()
        self._protocol.unregisterProducer()
        self._protocol.muted = True

    def pauseProducing(self) -> None:
        """Nothing is read either: it could be pings, whose answers are not taken."""
        self._open.clear()
        self._protocol.transport.pauseProducing()

    def resumeProducing(self) -> None:
        self._open.set()
        self._protocol.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The connection is lost."""
        self._open.set()


def _nothing() -> None:
    pass

# ruff: noqa: N802 - the names are Twisted's
"""Backpressure and faster writes for WebSockets on daphne.

daphne has no backpressure (django/daphne#170): it buffers whatever is sent, so a browser that
acknowledges frames without reading them would cost unlimited memory. Twisted's transports pause
their registered producer while more than 64 KiB wait in the buffer; `BackpressureProducer` is such
a producer.

`write_directly` writes to the socket without Twisted's write buffer, which delays each write until
a later turn of the event loop. With 500 sockets that takes 23 µs a frame in place of 60 µs.

Both rely on attributes of daphne and Twisted that are not documented, so both are off with other
versions than the tried ones, which is logged.
"""

import asyncio
import logging
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import cache, partial
from typing import Any, Final

from twisted.internet.tcp import Connection

from realtime.servers.frames import text_frame
from realtime.versions import is_tried_version

log: Final = logging.getLogger(__name__)

Send = Callable[[dict[str, Any]], Coroutine[Any, Any, None]]


def with_backpressure(send: Send) -> Send:
    """`send` of an open socket; on daphne it waits while the browser reads too slowly."""
    protocol = _protocol_of(send)
    return BackpressureProducer(send, protocol).send if protocol and _are_tried_versions() else send


def lacks_backpressure(scope: dict[str, Any], send: Send) -> bool:
    """Whether daphne is the server but its connection cannot be found: a middleware wraps `send`.

    An error is logged the first time. The socket must be refused then: without backpressure, a
    browser that does not read costs unlimited memory.
    """
    if _protocol_of(send) or not is_from_daphne(scope) or not _are_tried_versions():
        return False
    _log_wrapped_send()
    return True


def is_from_daphne(scope: dict[str, Any]) -> bool:
    """Other servers say which ASGI specification they follow, daphne does not.

    A process that runs another server may run Twisted's reactor too, for something else.
    """
    return _is_reactor_running() and "spec_version" not in scope.get("asgi", {})


def _is_reactor_running() -> bool:
    return bool(getattr(sys.modules.get("twisted.internet.reactor"), "running", False))


def _protocol_of(send: Send) -> Any:
    """daphne's connection, to which it binds `send`; None on other servers."""
    protocol = send.args[0] if isinstance(send, partial) and send.args else None
    return protocol if hasattr(protocol, "registerProducer") else None


@cache
def _are_tried_versions() -> bool:
    consequence = "sockets are slower, and have no backpressure against browsers that do not read."
    return is_tried_version("daphne", "4.2", consequence=consequence) and is_tried_version(
        "Twisted", "26.10", consequence=consequence
    )


@cache
def _log_wrapped_send() -> None:
    log.error(
        "All WebSockets are refused: a middleware, such as Channels' AuthMiddlewareStack, wraps "
        "`send`, so that there is no backpressure on daphne's connections. Remove the middleware "
        "around realtime.routing.websocket_urlpatterns."
    )


class BackpressureProducer:
    """The producer (`IPushProducer`) of one connection; sends text frames and the close frame.

    It does not apply extensions to frames: daphne has none.
    """

    def __init__(self, send: Send, protocol: Any) -> None:
        self._send = send
        self._protocol = protocol
        self._is_open = asyncio.Event()
        self._is_open.set()
        self.pinged: Callable[[], None] = _ignore
        self._answer_ping = protocol.onPing
        protocol.onPing = self._ping
        protocol.unregisterProducer()  # the one of the handshake's HTTP request
        protocol.registerProducer(self, True)  # noqa: FBT003 - the parameter's name varies

    async def send(self, message: dict[str, Any]) -> None:
        text = message.get("text")
        if text is None:
            self._end()
            await self._send(message)
            return
        if not self._is_open.is_set():
            await self._is_open.wait()
        if self._protocol.state == self._protocol.STATE_OPEN:
            write_directly(self._protocol.transport, text_frame(text))

    def _ping(self, payload: bytes) -> None:
        self.pinged()
        self._answer_ping(payload)

    def _end(self) -> None:
        """Prepare for the close frame: a transport with a producer would not close.

        Incoming messages are ignored from now on.
        """
        self.resumeProducing()
        self._protocol.unregisterProducer()
        self._protocol.muted = True

    def pauseProducing(self) -> None:
        """Stop reading too: these may be pings, whose answers the browser does not read."""
        self._is_open.clear()
        self._protocol.transport.pauseProducing()

    def resumeProducing(self) -> None:
        self._is_open.set()
        self._protocol.transport.resumeProducing()

    def stopProducing(self) -> None:
        """The connection is lost."""
        self._is_open.set()


def write_directly(transport: Any, data: bytes) -> None:
    """As `transport.write`, but without the buffer if it is empty and the socket has room."""
    if (
        isinstance(transport, Connection)  # not TLS, which has to encrypt the data
        and not transport.dataBuffer  # these two hold data that has to be sent first
        and not transport._tempDataBuffer
    ):
        with suppress(OSError):  # the socket is full or closed, which Twisted handles below
            data = data[transport.socket.send(data) :]
    if data:
        transport.write(data)


def _ignore() -> None:
    pass

"""uvicorn's WebSocket, with what a site with many watchers needs of it besides.

`uvicorn --ws realtime.uvicorn_sockets:SocketProtocol`. Tried with uvicorn 0.54; whatever is not
said here is its own.
"""

from struct import pack
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Opcode

LINGER: Final = 3.0
"""Seconds after its end in which a connection may still be sent what is on the way."""
FINAL_TEXT: Final = 0x80 | Opcode.TEXT


class SocketProtocol(WebSocketsSansIOProtocol):
    _is_plain = False
    """Whether a frame can be written as it is: now, and without an extension that changes it."""

    async def run_asgi(self) -> None:
        await super().run_asgi()
        # uvicorn lets a reader that takes nothing keep its connection, and what is on the way
        # to it, for ever: transport.close() waits until all is sent.
        self.loop.call_later(LINGER, self.transport.abort)

    async def send(self, message: Any) -> None:
        text = message.get("text")
        if text is not None and self._is_plain and not self.close_sent:
            payload = text.encode()
            self.transport.write(header(len(payload)) + payload)
            return
        await super().send(message)
        self._look()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_plain = False

    def resume_writing(self) -> None:
        super().resume_writing()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._is_plain = False

    def _look(self) -> None:
        is_open = self.handshake_complete and self.writable.is_set() and not self.disconnected
        self._is_plain = is_open and not self.conn.extensions


def header(size: int) -> bytes:
    """Of one frame of text, whole and unmasked (RFC 6455, 5.2)."""
    if size < 126:
        return pack("!BB", FINAL_TEXT, size)
    if size < 2**16:
        return pack("!BBH", FINAL_TEXT, 126, size)
    return pack("!BBQ", FINAL_TEXT, 127, size)

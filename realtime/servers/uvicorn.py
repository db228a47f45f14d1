"""uvicorn's WebSocket, with what a site with many watchers needs of it besides.

`uvicorn --ws realtime.servers.uvicorn:SocketProtocol`. Tried with uvicorn 0.54; whatever is not
said here is its own.
"""

from collections.abc import Callable
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode

from realtime.servers.frames import text_frame

LINGER: Final = 1.0
"""Seconds after its end in which a connection may still be sent what is on the way."""


class SocketProtocol(WebSocketsSansIOProtocol):
    _is_plain = False
    """Whether a frame can be written as it is: now, and without an extension that changes it."""

    pinged: Callable[[], None] | None = None
    """Called at each ping of the browser's."""

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._end_soon()

    def _end_soon(self) -> None:
        """uvicorn lets a reader that takes nothing keep its connection, and what is on the way to
        it, for ever: transport.close() waits until all is sent."""
        self.loop.call_later(LINGER, self.transport.abort)

    async def send(self, message: Any) -> None:
        text = message.get("text")
        if text is not None and self._is_plain and not self.close_sent:
            self.transport.write(text_frame(text))
            return
        if message["type"] == "websocket.close":
            # A reader that is behind is told as well, should it come to read it.
            self.writable.set()
            self.transport.resume_reading()
        await super().send(message)
        self._look()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_complete:
            self._refuse_handshake()
        elif not self.writable.is_set():
            # It could be pings, whose answers are not taken.
            self.transport.pause_reading()

    def _refuse_handshake(self) -> None:
        """With the answer that websockets has for it, which uvicorn does not send."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def send_receive_event_to_app(self) -> None:
        """As uvicorn's own, which writes a traceback when text is not UTF-8."""
        if self.curr_msg_data_type == "text" and not is_text(b"".join(self.frames)):
            self.frames = []
            if not self.close_sent:
                self.conn.send_close(CloseCode.INVALID_DATA)
                self.handle_parser_exception()
            return
        super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        super().handle_ping()
        if self.pinged is not None:
            self.pinged()

    def keepalive_timeout(self) -> None:
        super().keepalive_timeout()
        self._end_soon()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_plain = False

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._is_plain = False

    def _look(self) -> None:
        is_open = self.handshake_complete and self.writable.is_set() and not self.disconnected
        self._is_plain = is_open and not self.conn.extensions


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True

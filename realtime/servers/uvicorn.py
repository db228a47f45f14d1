"""uvicorn's WebSocket protocol, faster and stricter, for sites with thousands of sockets.

Use it by `uvicorn --ws realtime.servers.uvicorn:SocketProtocol`. It overrides methods of uvicorn
that are not documented, so with another version than the tried one uvicorn's own protocol is used.
"""

from collections.abc import Callable
from importlib.metadata import version
from typing import Any, Final

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode

from realtime.servers.frames import text_frame
from realtime.versions import is_tried_version

LINGER: Final = 1.0
"""Seconds that a closing connection has to receive what is buffered for it."""


class FastSocketProtocol(WebSocketsSansIOProtocol):
    _is_plain = False
    """Whether a frame can be written at once and as it is: there is no backpressure, and no
    extension that changes frames."""

    pinged: Callable[[], None] | None = None
    """Called at each ping frame of the browser."""

    async def run_asgi(self) -> None:
        await super().run_asgi()
        self._abort_soon()

    def _abort_soon(self) -> None:
        """Abort the connection soon. uvicorn keeps the connection and the buffer of a browser that
        does not read for ever, since transport.close() waits until everything is sent."""
        self.loop.call_later(LINGER, self.transport.abort)

    async def send(self, message: Any) -> None:
        text = message.get("text")
        if text is not None and self._is_plain and not self.close_sent:
            self.transport.write(text_frame(text))
            return
        if message["type"] == "websocket.close":
            # Send the close frame to a slow browser too, without waiting for it to read.
            self.writable.set()
            self.transport.resume_reading()
        await super().send(message)
        self._update_is_plain()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_complete:
            self._refuse_handshake()
        elif not self.writable.is_set():
            # These may be pings, whose answers the browser does not read.
            self.transport.pause_reading()

    def _refuse_handshake(self) -> None:
        """Send the error response that websockets has prepared; uvicorn does not."""
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def send_receive_event_to_app(self) -> None:
        """As uvicorn does, but without a traceback in the log if text is not UTF-8."""
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
        self._abort_soon()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._is_plain = False

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.read_paused:
            self.transport.resume_reading()
        self._update_is_plain()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._is_plain = False

    def _update_is_plain(self) -> None:
        is_open = self.handshake_complete and self.writable.is_set() and not self.disconnected
        self._is_plain = is_open and not self.conn.extensions


def is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def protocol_class(installed: Callable[[str], str] = version) -> type[WebSocketsSansIOProtocol]:
    consequence = "uvicorn's own WebSocket protocol is used, which is slower."
    if is_tried_version("uvicorn", "0.54", consequence=consequence, installed=installed):
        return FastSocketProtocol
    return WebSocketsSansIOProtocol


SocketProtocol: Final = protocol_class()

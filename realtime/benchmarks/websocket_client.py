"""A WebSocket client of a benchmark. It does as little as possible: the server is to be measured.

It does not parse the JSON of a frame; it only searches for the timestamp that the publisher has put
into the message, `@seconds@`.
"""

import asyncio
import os
import random
import select
from socket import socket
from time import monotonic
from typing import Any, Final

from realtime.benchmarks.frame_statistics import FrameStatistics

ACK_EVERY: Final = 16
"""Frames; the same as in connection.js."""
READ_INTERVAL: Final = 0.003
READ_SIZE: Final = 32 * 1024
"""Bytes to read at once; a snapshot has 1000 or 2000."""
TEXT, PING = 0x81, 0x89


class SocketReader:
    """Reads from all open sockets, without the work of an event loop for each of them.

    It reads at intervals instead of waiting for data. On one machine, `send` on the server costs
    more when it has to wake a waiting reader than it costs otherwise. Readers on other machines
    do not cost the server that.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._clients: dict[int, WebSocketClient] = {}
        self._task = asyncio.create_task(self._read_all())

    def add(self, client: "WebSocketClient", connection: socket) -> None:
        self._clients[connection.fileno()] = client
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    async def _read_all(self) -> None:
        while True:
            await asyncio.sleep(READ_INTERVAL)
            for number, _ in self._epoll.poll(0):
                try:
                    data = os.read(number, READ_SIZE)
                except ConnectionResetError:
                    data = b""
                if data:
                    self._clients[number].receive(data)
                else:
                    self._epoll.unregister(number)
                    self._clients.pop(number).connection_ended()


class WebSocketClient(asyncio.Protocol):
    """The event loop does the handshake; after that the `SocketReader` reads the socket.

    The `opened` future is done once the server has accepted the handshake and, if there is a
    first message to send, has answered it.
    """

    def __init__(
        self,
        statistics: FrameStatistics,
        reader: SocketReader,
        *,
        handshake: bytes,
        first_message: bytes,
    ) -> None:
        self._statistics = statistics
        self._reader = reader
        self._handshake = handshake
        self._first_message = first_message
        self._buffer = b""
        self._frames = random.randrange(ACK_EVERY)  # noqa: S311 - as connection.js does
        self.newest = 0.0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._handshake)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionResetError("closed"))

    def connection_ended(self) -> None:
        """Called by the `SocketReader`."""
        self._statistics.lost += 1
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        head, separator, data = (self._buffer + data).partition(b"\r\n\r\n")
        if not separator:
            self._buffer = head
            return
        self._buffer = b""
        if self._is_accepted(head):
            self._transport.pause_reading()
            self._reader.add(self, self._transport.get_extra_info("socket"))
            self.receive(data)

    def receive(self, data: bytes) -> None:
        """Handles frames, of which the last may be incomplete."""
        if self._buffer:
            data = self._buffer + data
        now = monotonic()
        position, end_of_data = 0, len(data)
        while (end := end_of_frame(data, position, end_of_data)) <= end_of_data:
            self._receive_frame(data, position, end, now)
            position = end
        self._buffer = data[position:]

    def _is_accepted(self, head: bytes) -> bool:
        if not head.startswith(b"HTTP/1.1 101") or b"sec-websocket-extensions" in head.lower():
            self.opened.set_exception(ConnectionRefusedError(head.decode("latin-1")))
            self._transport.abort()
            return False
        if self._first_message:
            self._transport.write(text_frame(self._first_message))
        else:
            self.opened.set_result(None)
        return True

    def _receive_frame(self, data: bytes, start: int, end: int, now: float) -> None:
        if data[start] == PING:
            payload = data[start + 2 : end]
            self._transport.write(bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
        if data[start] != TEXT:
            return
        if not self.opened.done():
            self.opened.set_result(None)
        mark = data.find(b"@", start, end)
        if mark < 0:
            return
        self.newest = float(data[mark + 1 : data.index(b"@", mark + 1)])
        self._statistics.add(self.newest, now=now)
        self._frames += 1
        if self._first_message and self._frames % ACK_EVERY == 0:
            self._acknowledge(data, start)

    def _acknowledge(self, data: bytes, start: int) -> None:
        position = data.index(b'"seq":', start) + 6
        sequence = data[position : data.index(b",", position)]
        self._transport.write(text_frame(b'{"type":"ack","seq":' + sequence + b"}"))


def end_of_frame(data: bytes, start: int, end: int) -> int:
    """Where the frame that begins at `start` ends; more than `end` if its head is incomplete."""
    if end - start < 4:
        return end + 1 if end - start < 2 or data[start + 1] > 125 else start + 2 + data[start + 1]
    size = data[start + 1]
    if size < 126:
        return start + 2 + size
    if size == 126:
        return start + 4 + (data[start + 2] << 8 | data[start + 3])
    if end - start < 10:
        return end + 1
    return start + 10 + int.from_bytes(data[start + 2 : start + 10], "big")


def text_frame(payload: bytes) -> bytes:
    """Masked with zeros, which leaves the payload as it is."""
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + bytes(4) + payload

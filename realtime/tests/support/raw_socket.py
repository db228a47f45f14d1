"""A WebSocket client that can send any bytes, and reads only when the test says so."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

CONTINUATION: Final = 0x0
TEXT: Final = 0x1
BINARY: Final = 0x2
CLOSE: Final = 0x8
PING: Final = 0x9
PONG: Final = 0xA
BROKEN: Final = 1006
"""The code that browsers report for a connection that ended without a close frame."""
TIMEOUT_SECONDS: Final = 60.0
"""Far more than any answer takes."""

Header = tuple[str, str]


@dataclass(frozen=True)
class Frame:
    opcode: int
    payload: bytes

    @property
    def json(self) -> dict[str, Any]:
        return dict(json.loads(self.payload))


def frame(
    payload: bytes, *, opcode: int = TEXT, fin: bool = True, rsv: int = 0, masked: bool = True
) -> bytes:
    """One frame (RFC 6455, 5.2), which may be invalid."""
    first = fin << 7 | rsv << 4 | opcode
    mask_bit = 0x80 if masked else 0
    size = len(payload)
    if size < 126:
        head = bytes((first, mask_bit | size))
    elif size < 2**16:
        head = bytes((first, mask_bit | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((first, mask_bit | 127)) + size.to_bytes(8, "big")
    # A mask of zeros is valid, and does not change the payload.
    return head + (bytes(4) if masked else b"") + payload


def request(path: str, headers: Iterable[Header], *, method: str = "GET") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def handshake(port: int, headers: Iterable[Header] = ()) -> bytes:
    """The handshake of a page of this site, with more headers."""
    own = (
        ("Host", f"127.0.0.1:{port}"),
        ("Origin", f"http://127.0.0.1:{port}"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    )
    return request("/ws/jobs/", (*own, *headers))


class Raw:
    """A TCP connection. Unread data stays in the kernel, and then in the server."""

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._loop = asyncio.get_running_loop()
        self._rest = b""

    async def write(self, data: bytes) -> None:
        """
        Raises:
            OSError: the server has dropped the connection.
        """
        await self._loop.sock_sendall(self._socket, data)

    async def read(self, at_most: int = 65536) -> bytes:
        """The available data; empty at the end of the connection."""
        try:
            return await self._loop.sock_recv(self._socket, at_most)
        except ConnectionError:
            return b""

    async def read_head(self) -> tuple[int, bytes]:
        """The status and the head of an HTTP response; status 0 if there is none."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while b"\r\n\r\n" not in self._rest:
                data = await self.read()
                if not data:
                    return 0, self._rest
                self._rest += data
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        return int(head.split()[1]), head

    async def receive(self) -> Frame | None:
        """The next frame; None when the connection has ended."""
        while True:
            parsed_frame = parsed(self._rest)
            if parsed_frame is not None:
                self._rest = parsed_frame[1]
                return parsed_frame[0]
            data = await self.read()
            if not data:
                return None
            self._rest += data

    async def send(self, payload: bytes | str, **bits: Any) -> None:
        data = payload.encode() if isinstance(payload, str) else payload
        await self.write(frame(data, **bits))

    async def send_json(self, **fields: Any) -> None:
        await self.send(json.dumps(fields))

    async def watch(self, *ids: object) -> None:
        await self.send_json(type="watch", jobs=[{"id": str(each)} for each in ids])

    async def receive_json(self) -> dict[str, Any]:
        """The next text frame; pings of the server are answered meanwhile."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                frame = await self.receive()
                assert frame is not None, "The connection has ended"
                assert frame.opcode != CLOSE, f"Closed with {_code(frame)}"
                if frame.opcode == PING:
                    await self.send(frame.payload, opcode=PONG)
                elif frame.opcode == TEXT:
                    return frame.json

    async def is_alive(self) -> bool:
        """Whether a ping of the page's protocol is answered; fails if the connection has ended."""
        await self.send_json(type="ping")
        while (await self.receive_json())["type"] != "pong":
            pass
        return True

    async def closed(self) -> int:
        """Read until the close frame, and return its code; `BROKEN` if there is none."""
        code = BROKEN
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while (frame := await self.receive()) is not None:
                if frame.opcode == CLOSE:
                    code = _code(frame)
                    break
        return code

    async def dropped(self) -> float:
        """Seconds until the server has closed the connection, without reading a byte of it.

        It sends pongs, which are always allowed, until the closed connection refuses them.
        """
        began = monotonic()
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                try:
                    await self.send(b"", opcode=PONG)
                except OSError:
                    return monotonic() - began
                await asyncio.sleep(0.1)

    async def take(self, at_most: int) -> None:
        """Read some bytes, which `receive` parses later."""
        self._rest += await self.read(at_most)


def parsed(data: bytes) -> tuple[Frame, bytes] | None:
    """The first frame in `data`, and the data after it; servers do not mask frames."""
    if len(data) < 2:
        return None
    size, start = data[1] & 0x7F, 2
    if size > 125:
        start += 2 if size == 126 else 8
        if len(data) < start:
            return None
        size = int.from_bytes(data[2:start], "big")
    end = start + size
    return (Frame(data[0] & 0xF, data[start:end]), data[end:]) if len(data) >= end else None


def _code(closing: Frame) -> int:
    return int.from_bytes(closing.payload[:2], "big") or BROKEN


@asynccontextmanager
async def connected(port: int, *, receive_buffer: int | None = None) -> AsyncIterator[Raw]:
    """A TCP connection; `receive_buffer` is how many bytes wait in this kernel, unread."""
    with socket.socket() as one:
        if receive_buffer:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        one.setblocking(False)
        await asyncio.get_running_loop().sock_connect(one, ("127.0.0.1", port))
        yield Raw(one)


@asynccontextmanager
async def opened(
    port: int, headers: Iterable[Header] = (), *, receive_buffer: int | None = None
) -> AsyncIterator[Raw]:
    """A WebSocket to the site, its handshake done."""
    async with connected(port, receive_buffer=receive_buffer) as raw:
        await raw.write(handshake(port, headers))
        status, head = await raw.read_head()
        assert status == 101, head
        yield raw

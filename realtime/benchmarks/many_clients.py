"""Many browsers in one process.

`python -m realtime.benchmarks.many_clients PORT PATH ORIGIN SAY COUNT`

As lean as it can be, so that what is measured is the server: a frame is not parsed but for the
moment that its publisher has put into it, `@seconds@`. Told on stdin, line by line: `more N`
(connect so many more), `count` (forget what was counted), `frames` (how many have come since),
`report`. Each is answered by a JSON line.
"""

import asyncio
import json
import os
import random
import select
import sys
from collections.abc import Iterator
from socket import socket
from statistics import quantiles
from time import monotonic
from typing import Any, Final

ACK_EVERY: Final = 16
PER_ADDRESS: Final = 90
"""Sockets that come from one address of the loopback network; sites limit them."""
AT_ONCE: Final = 100
PATIENCE: Final = 30.0
NAP: Final = 0.003
MOST: Final = 32 * 1024
"""Bytes to read at once; a snapshot is a thousand or two."""


class Ear:
    """Hears all open sockets: without an event loop's work for each, which would be most of it.

    Looks only so often what has come in. On one machine the server's `send` pays for waking a
    reader that waits, more than for the rest of it; from readers elsewhere it never hears of that.
    """

    def __init__(self) -> None:
        self._epoll = select.epoll()
        self._heard: dict[int, Browser] = {}
        self._task = asyncio.create_task(self._listen())

    def add(self, browser: "Browser", connection: socket) -> None:
        self._heard[connection.fileno()] = browser
        self._epoll.register(connection.fileno(), select.EPOLLIN)

    async def _listen(self) -> None:
        while True:
            await asyncio.sleep(NAP)
            for number, _ in self._epoll.poll(0):
                try:
                    data = os.read(number, MOST)
                except ConnectionResetError:
                    data = b""
                if data:
                    self._heard[number].take(data)
                else:
                    self._epoll.unregister(number)
                    self._heard.pop(number).lose()


class Counted:
    def __init__(self) -> None:
        self.sockets: list[Browser] = []
        self.failed = 0
        self.lost = 0
        self.reset()

    def reset(self) -> None:
        self.frames = 0
        self.newest = 0.0
        self.waits: list[float] = []

    def report(self) -> dict[str, Any]:
        waits = self.waits or [0.0]
        cuts = quantiles(waits, n=100) if len(waits) > 1 else waits * 99
        current = sum(browser.newest == self.newest for browser in self.sockets)
        return {
            "sockets": len(self.sockets),
            "failed": self.failed,
            "lost": self.lost,
            "frames": self.frames,
            "current": current,
            "p50": cuts[49],
            "p99": cuts[98],
        }


class Browser(asyncio.Protocol):
    """An event loop's connection until the server has agreed to a WebSocket; then the ear's."""

    def __init__(self, counted: Counted, ear: Ear, *, request: bytes, say: bytes) -> None:
        self._counted = counted
        self._ear = ear
        self._request = request
        self._say = say
        self._rest = b""
        self._frames = random.randrange(ACK_EVERY)  # noqa: S311 - as connection.js does
        self.newest = 0.0
        self.open: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.open.done():
            self.open.set_exception(exc or ConnectionResetError("closed"))

    def lose(self) -> None:
        self._counted.lost += 1
        self._transport.abort()

    def data_received(self, data: bytes) -> None:
        head, end, data = (self._rest + data).partition(b"\r\n\r\n")
        if not end:
            self._rest = head
            return
        self._rest = b""
        if self._is_agreed(head):
            self._transport.pause_reading()
            self._ear.add(self, self._transport.get_extra_info("socket"))
            self.take(data)

    def take(self, data: bytes) -> None:
        """What has come after the answer to the handshake: frames, the last perhaps in part."""
        if self._rest:
            data = self._rest + data
        now = monotonic()
        position, end_of_data = 0, len(data)
        while (end_of_frame := _end_of_frame(data, position, end_of_data)) <= end_of_data:
            self._take(data, position, end_of_frame, now)
            position = end_of_frame
        self._rest = data[position:]

    def _is_agreed(self, head: bytes) -> bool:
        if not head.startswith(b"HTTP/1.1 101") or b"sec-websocket-extensions" in head.lower():
            self.open.set_exception(ConnectionRefusedError(head.decode("latin-1")))
            self._transport.abort()
            return False
        if self._say:
            self._transport.write(_text_frame(self._say))  # and is open once it has its answer
        else:
            self.open.set_result(None)
        return True

    def _take(self, data: bytes, start: int, end: int, now: float) -> None:
        if data[start] != 0x81:
            if data[start] == 0x89:  # a ping
                payload = data[start + 2 : end]
                self._transport.write(bytes((0x8A, 0x80 | len(payload), 0, 0, 0, 0)) + payload)
            return
        if not self.open.done():
            self.open.set_result(None)
        mark = data.find(b"@", start, end)
        if mark < 0:
            return
        self._frames += 1
        self.newest = float(data[mark + 1 : data.index(b"@", mark + 1)])
        counted = self._counted
        counted.frames += 1
        counted.newest = max(counted.newest, self.newest)
        counted.waits.append(now - self.newest)
        if self._say and self._frames % ACK_EVERY == 0:
            found = data.index(b'"seq":', start) + 6
            sequence = data[found : data.index(b",", found)]
            self._transport.write(_text_frame(b'{"type":"ack","seq":' + sequence + b"}"))


def _end_of_frame(data: bytes, start: int, end: int) -> int:
    """Where the frame that begins at `start` ends; past `end` when that cannot be known yet."""
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


def _text_frame(payload: bytes) -> bytes:
    """With a mask of zeros, which is one."""
    size = len(payload)
    head = bytes((0x81, 0x80 | size)) if size < 126 else b"\x81\xfe" + size.to_bytes(2, "big")
    return head + bytes(4) + payload


def _addresses() -> Iterator[str]:
    number = 0
    while True:
        yield f"127.0.{1 + number // PER_ADDRESS // 250}.{1 + number // PER_ADDRESS % 250}"
        number += 1


class Crowd:
    def __init__(self, *, port: int, path: str, origin: str, say: str) -> None:
        self._port = port
        self._say = say.encode()
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
        ).encode()
        self._addresses = _addresses()
        self._ear = Ear()
        self.counted = Counted()

    async def more(self, count: int) -> dict[str, Any]:
        began = monotonic()
        places = asyncio.Semaphore(AT_ONCE)
        await asyncio.gather(*(self._one(places) for _ in range(count)))
        return {"seconds": monotonic() - began} | self.counted.report()

    async def _one(self, places: asyncio.Semaphore) -> None:
        counted = self.counted
        async with places:
            try:
                async with asyncio.timeout(PATIENCE):
                    browser = Browser(counted, self._ear, request=self._request, say=self._say)
                    address = (next(self._addresses), 0)
                    await asyncio.get_running_loop().create_connection(
                        lambda: browser, "127.0.0.1", self._port, local_addr=address
                    )
                    await browser.open
            except OSError:
                counted.failed += 1
            else:
                counted.sockets.append(browser)


async def main(port: str, path: str, origin: str, say: str) -> None:
    crowd = Crowd(port=int(port), path=path, origin=origin, say=say)
    while order := (await asyncio.to_thread(sys.stdin.readline)).split():
        answer: dict[str, Any] = {}
        match order:
            case ["more", count]:
                answer = await crowd.more(int(count))
            case ["count"]:
                crowd.counted.reset()
            case ["frames"]:
                answer = {"frames": crowd.counted.frames}
            case ["report"]:
                answer = crowd.counted.report()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

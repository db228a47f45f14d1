"""uvicorn's protocol on a transport that the test controls."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.frames import CloseCode

from realtime.servers import uvicorn
from realtime.servers.uvicorn import FastSocketProtocol, SocketProtocol, protocol_class
from realtime.tests.support.raw_socket import (
    CLOSE,
    PING,
    PONG,
    TEXT,
    Frame,
    frame,
    handshake,
    parsed,
)


class Transport(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.reads = True
        self.ended = ""

    def write(self, data: Any) -> None:
        self.written += data

    def pause_reading(self) -> None:
        self.reads = False

    def resume_reading(self) -> None:
        self.reads = True

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def frames(self) -> list[Frame]:
        """The frames that were written since the last call."""
        frames, rest = [], self.written
        while one := parsed(rest):
            frames.append(one[0])
            rest = one[1]
        self.written = rest
        return frames


class Connection:
    """A browser's connection, with an application that the test controls."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.ends = asyncio.Event()
        self.transport = Transport()
        config = Config(
            self._application,
            ws=FastSocketProtocol,
            ws_per_message_deflate=False,
            interface="asgi3",
            log_config=None,
        )
        config.load()
        self.protocol = FastSocketProtocol(config, ServerState(), {})
        self.protocol.connection_made(self.transport)
        self.send: Callable[..., Any] = self.protocol.send

    async def _application(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        reading = asyncio.create_task(self._read(receive))
        await self.ends.wait()
        reading.cancel()

    async def _read(self, receive: Any) -> None:
        while True:
            self.received.append(await receive())

    async def open(self) -> None:
        self.protocol.data_received(handshake(80))
        await settle()
        head, _, self.transport.written = self.transport.written.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101"), head

    def receive(self, data: bytes) -> None:
        if self.transport.reads:
            self.protocol.data_received(data)


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
async def connection(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(uvicorn, "LINGER", 0)
    one = Connection()
    await one.open()
    yield one
    one.protocol.connection_lost(None)
    one.ends.set()
    await settle()


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 100_000])
async def test_a_text_is_one_frame(connection: Connection, size: int) -> None:
    await connection.send({"type": "websocket.send", "text": "x" * size})
    assert connection.transport.frames() == [Frame(TEXT, b"x" * size)]


async def test_text_waits_while_the_browser_is_slow(connection: Connection) -> None:
    connection.protocol.pause_writing()
    sending = asyncio.create_task(connection.send({"type": "websocket.send", "text": "é"}))
    await settle()
    assert connection.transport.frames() == []
    connection.protocol.resume_writing()
    await sending
    assert connection.transport.frames() == [Frame(TEXT, "é".encode())]


async def test_the_close_does_not_wait(connection: Connection) -> None:
    connection.protocol.pause_writing()
    await connection.send({"type": "websocket.close", "code": 4408})
    assert connection.transport.frames() == [Frame(CLOSE, (4408).to_bytes(2, "big"))]


async def test_pings_are_not_read_while_their_answers_are_not(connection: Connection) -> None:
    connection.protocol.pause_writing()
    connection.receive(frame(b"1", opcode=PING))
    connection.receive(frame(b"2", opcode=PING))
    assert connection.transport.frames() == [Frame(PONG, b"1")]
    connection.protocol.resume_writing()
    connection.receive(frame(b"3", opcode=PING))
    assert connection.transport.frames() == [Frame(PONG, b"3")]


async def test_pings_are_counted(connection: Connection) -> None:
    pings: list[bool] = []
    connection.protocol.pinged = lambda: pings.append(True)
    connection.receive(frame(b"", opcode=PING) * 2)
    assert pings == [True, True]


async def test_text_that_is_not_utf_8_closes_the_socket(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    connection.receive(frame(b"\xff") + frame(b"x"))
    await settle()
    [closing] = connection.transport.frames()
    assert int.from_bytes(closing.payload[:2], "big") == CloseCode.INVALID_DATA
    assert [message["type"] for message in connection.received] == ["websocket.disconnect"]
    assert connection.transport.ended
    assert not [record for record in caplog.records if not record.name.startswith("realtime.")]


async def test_utf_8_text_is_received(connection: Connection) -> None:
    connection.receive(frame("é".encode()[:1], fin=False))
    connection.receive(frame("é".encode()[1:], opcode=0))
    await settle()
    assert connection.received == [{"type": "websocket.receive", "text": "é"}]


async def test_the_end_of_the_application_ends_the_connection(connection: Connection) -> None:
    connection.ends.set()
    await settle()
    await asyncio.sleep(0.01)
    assert connection.transport.ended == "aborted"


async def test_a_browser_that_answers_no_ping_is_aborted(connection: Connection) -> None:
    connection.protocol.keepalive_timeout()
    await asyncio.sleep(0.01)
    assert connection.transport.ended == "aborted"


async def test_a_handshake_that_is_too_large_is_answered() -> None:
    one = Connection()
    one.protocol.data_received(handshake(80, [("X-Long", "x" * 9000)]))
    assert one.transport.written.startswith(b"HTTP/1.1 431 ")
    assert one.transport.ended == "closed"
    one.protocol.connection_lost(None)


def test_an_untried_version_of_uvicorn_gets_its_own_protocol() -> None:
    assert SocketProtocol is FastSocketProtocol
    assert protocol_class(lambda _: "0.54.9") is FastSocketProtocol
    assert protocol_class(lambda _: "0.55.0") is WebSocketsSansIOProtocol

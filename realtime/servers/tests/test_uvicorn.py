"""uvicorn's protocol with the connection in the test's hands."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState
from websockets.frames import CloseCode

from realtime.servers import uvicorn
from realtime.servers.uvicorn import SocketProtocol
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
        """What has been written since the last time."""
        found, rest = [], self.written
        while one := parsed(rest):
            found.append(one[0])
            rest = one[1]
        self.written = rest
        return found


class Connection:
    """A browser's; the application does what the test tells it to."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        self.ends = asyncio.Event()
        self.transport = Transport()
        config = Config(
            self._application,
            ws=SocketProtocol,
            ws_per_message_deflate=False,
            interface="asgi3",
            log_config=None,
        )
        config.load()
        self.protocol = SocketProtocol(config, ServerState(), {})
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

    def come(self, data: bytes) -> None:
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


async def test_text_waits_until_the_reader_has_taken_others(connection: Connection) -> None:
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


async def test_one_who_takes_no_answers_is_not_asked_for_more(connection: Connection) -> None:
    connection.protocol.pause_writing()
    connection.come(frame(b"1", opcode=PING))
    connection.come(frame(b"2", opcode=PING))
    assert connection.transport.frames() == [Frame(PONG, b"1")]
    connection.protocol.resume_writing()
    connection.come(frame(b"3", opcode=PING))
    assert connection.transport.frames() == [Frame(PONG, b"3")]


async def test_pings_are_told(connection: Connection) -> None:
    told: list[bool] = []
    connection.protocol.pinged = lambda: told.append(True)
    connection.come(frame(b"", opcode=PING) * 2)
    assert told == [True, True]


async def test_what_is_no_utf_8_closes(
    connection: Connection, caplog: pytest.LogCaptureFixture
) -> None:
    connection.come(frame(b"\xff") + frame(b"x"))
    await settle()
    [closing] = connection.transport.frames()
    assert int.from_bytes(closing.payload[:2], "big") == CloseCode.INVALID_DATA
    assert [message["type"] for message in connection.received] == ["websocket.disconnect"]
    assert connection.transport.ended
    assert not [record for record in caplog.records if not record.name.startswith("realtime.")]


async def test_what_is_utf_8_is_received(connection: Connection) -> None:
    connection.come(frame("é".encode()[:1], fin=False))
    connection.come(frame("é".encode()[1:], opcode=0))
    await settle()
    assert connection.received == [{"type": "websocket.receive", "text": "é"}]


async def test_the_end_of_the_application_ends_the_connection(connection: Connection) -> None:
    connection.ends.set()
    await settle()
    await asyncio.sleep(0.01)
    assert connection.transport.ended == "aborted"


async def test_one_who_answers_no_ping_is_not_kept(connection: Connection) -> None:
    connection.protocol.keepalive_timeout()
    await asyncio.sleep(0.01)
    assert connection.transport.ended == "aborted"


async def test_a_handshake_that_is_too_large_is_answered() -> None:
    one = Connection()
    one.protocol.data_received(handshake(80, [("X-Long", "x" * 9000)]))
    assert one.transport.written.startswith(b"HTTP/1.1 431 ")
    assert one.transport.ended == "closed"
    one.protocol.connection_lost(None)

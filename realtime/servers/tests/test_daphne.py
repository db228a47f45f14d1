# ruff: noqa: N802 - the names are Twisted's
import asyncio
from functools import partial
from typing import Any

import pytest

from realtime.servers import daphne
from realtime.servers.daphne import BackpressureProducer, lacks_backpressure, with_backpressure

TEXT: dict[str, Any] = {"type": "websocket.send", "text": "x"}
SCOPE: dict[str, Any] = {"type": "websocket", "asgi": {"version": "3.0"}}
CLOSE: dict[str, Any] = {"type": "websocket.close", "code": 4408}


class Protocol:
    """The part of daphne's protocol that the valve uses; it is its own transport."""

    STATE_CLOSING, STATE_OPEN = 2, 3

    def __init__(self) -> None:
        self.state = self.STATE_OPEN
        self.written: list[bytes] = []
        self.producer: Any = "the request's"
        self.is_reading = True
        self.muted = False
        self.answered: list[bytes] = []

    @property
    def transport(self) -> "Protocol":
        return self

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert self.producer is None
        assert streaming
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def pauseProducing(self) -> None:
        self.is_reading = False

    def resumeProducing(self) -> None:
        self.is_reading = True

    def onPing(self, payload: bytes) -> None:
        self.answered.append(payload)


class Server:
    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    async def handle_reply(self, protocol: Protocol, message: dict[str, Any]) -> None:
        self.sent.append(message)


@pytest.fixture
def protocol() -> Protocol:
    return Protocol()


@pytest.fixture
def server() -> Server:
    return Server()


async def test_other_servers_are_not_changed(server: Server) -> None:
    async def send(message: dict[str, Any]) -> None: ...

    assert with_backpressure(send) is send
    other = partial(server.handle_reply, "no protocol")  # type: ignore[arg-type]
    assert with_backpressure(other) is other


async def test_a_frame_waits_while_the_browser_is_slow(protocol: Protocol, server: Server) -> None:
    send = with_backpressure(partial(server.handle_reply, protocol))
    await send(TEXT)
    protocol.producer.pauseProducing()
    sending = asyncio.create_task(send(TEXT))
    await asyncio.sleep(0)
    assert (protocol.written, protocol.is_reading) == ([b"\x81\x01x"], False)
    protocol.producer.resumeProducing()
    await sending
    assert (protocol.written, protocol.is_reading) == ([b"\x81\x01x"] * 2, True)


async def test_nothing_is_sent_after_the_close(protocol: Protocol, server: Server) -> None:
    send = with_backpressure(partial(server.handle_reply, protocol))
    protocol.state = Protocol.STATE_CLOSING
    await send(TEXT)
    assert protocol.written == []


async def test_the_close_does_not_wait(protocol: Protocol, server: Server) -> None:
    send = with_backpressure(partial(server.handle_reply, protocol))
    protocol.producer.pauseProducing()
    await send(CLOSE)
    assert server.sent == [CLOSE]
    assert (protocol.producer, protocol.is_reading, protocol.muted) == (None, True, True)


async def test_a_lost_connection_ends_the_waiting(protocol: Protocol, server: Server) -> None:
    send = with_backpressure(partial(server.handle_reply, protocol))
    protocol.producer.pauseProducing()
    sending = asyncio.create_task(send(TEXT))
    await asyncio.sleep(0)
    protocol.producer.stopProducing()
    await sending


async def test_pings_are_counted_and_answered(protocol: Protocol, server: Server) -> None:
    valve = BackpressureProducer(partial(server.handle_reply, protocol), protocol)
    protocol.onPing(b"1")
    pings: list[bool] = []
    valve.pinged = lambda: pings.append(True)
    protocol.onPing(b"2")
    assert protocol.answered == [b"1", b"2"]
    assert pings == [True]


@pytest.fixture
def daphne_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daphne, "_is_reactor_running", lambda: True)
    daphne._log_wrapped_send.cache_clear()


async def wrapped(message: dict[str, Any]) -> None: ...


@pytest.mark.usefixtures("daphne_runs")
def test_a_wrapped_send_on_daphne_lacks_backpressure_and_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert lacks_backpressure(SCOPE, wrapped)
    assert lacks_backpressure(SCOPE, wrapped)
    [record] = caplog.records
    assert record.levelname == "ERROR"
    assert "Remove the middleware" in record.message


@pytest.mark.usefixtures("daphne_runs")
def test_daphnes_own_send_has_backpressure(protocol: Protocol, server: Server) -> None:
    assert not lacks_backpressure(SCOPE, partial(server.handle_reply, protocol))


def test_on_other_servers_send_may_be_wrapped() -> None:
    assert not lacks_backpressure(SCOPE, wrapped)


@pytest.mark.usefixtures("daphne_runs")
def test_other_servers_may_run_beside_a_twisted_reactor() -> None:
    scope = {"type": "websocket", "asgi": {"version": "3.0", "spec_version": "2.4"}}
    assert not lacks_backpressure(scope, wrapped)


@pytest.mark.usefixtures("daphne_runs")
def test_untried_versions_are_served_without_backpressure(
    protocol: Protocol, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daphne, "_are_tried_versions", lambda: False)
    send = partial(server.handle_reply, protocol)
    assert with_backpressure(send) is send
    assert not lacks_backpressure(SCOPE, wrapped)

from typing import Any

import pytest
from twisted.internet.tcp import Connection

from realtime.servers.daphne import write_directly


class Socket:
    def __init__(self, room: int) -> None:
        self.room = room
        self.taken = b""

    def send(self, data: bytes) -> int:
        if not self.room:
            raise BlockingIOError
        part = data[: self.room]
        self.room -= len(part)
        self.taken += part
        return len(part)


class Bare(Connection):
    """Twisted's connection without a reactor."""

    def __init__(self, room: int) -> None:
        self.socket: Any = Socket(room)
        self.dataBuffer = b""
        self._tempDataBuffer: list[bytes] = []

    def write(self, data: bytes) -> None:
        self._tempDataBuffer.append(data)

    @property
    def left(self) -> bytes:
        return self.dataBuffer + b"".join(self._tempDataBuffer)


class Encrypting:
    """A transport that has to encrypt the data."""

    def __init__(self) -> None:
        self.socket = Socket(room=100)
        self.dataBuffer = b""
        self._tempDataBuffer: list[bytes] = []
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


def test_a_socket_with_room_is_written_to_at_once() -> None:
    transport = Bare(room=100)
    write_directly(transport, b"frame")
    assert transport.socket.taken == b"frame"
    assert transport.left == b""


@pytest.mark.parametrize("room", [0, 3])
def test_data_without_room_is_given_to_the_transport(room: int) -> None:
    transport = Bare(room=room)
    write_directly(transport, b"frame")
    assert transport.socket.taken == b"frame"[:room]
    assert transport.left == b"frame"[room:]


@pytest.mark.parametrize("buffer", ["dataBuffer", "_tempDataBuffer"])
def test_data_does_not_overtake_the_buffer(buffer: str) -> None:
    transport: Any = Bare(room=100)
    setattr(transport, buffer, b"before" if buffer == "dataBuffer" else [b"before"])
    write_directly(transport, b"frame")
    assert transport.socket.taken == b""
    assert transport.left == b"beforeframe"


def test_data_for_tls_is_never_written_directly() -> None:
    transport = Encrypting()
    write_directly(transport, b"frame")
    assert transport.socket.taken == b""
    assert transport.written == b"frame"

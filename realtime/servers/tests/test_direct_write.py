from typing import Any

import pytest
from twisted.internet.tcp import Connection

from realtime.servers.direct_write import write_directly


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
    """Twisted's, without its reactor."""

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
    """Has a socket, and may not be passed by."""

    def __init__(self) -> None:
        self.socket = Socket(room=100)
        self.dataBuffer = b""
        self._tempDataBuffer: list[bytes] = []
        self.written = b""

    def write(self, data: bytes) -> None:
        self.written += data


def test_a_socket_with_room_has_it_at_once() -> None:
    transport = Bare(room=100)
    write_directly(transport, b"frame")
    assert transport.socket.taken == b"frame"
    assert transport.left == b""


@pytest.mark.parametrize("room", [0, 3])
def test_what_a_socket_has_no_room_for_is_left_to_its_transport(room: int) -> None:
    transport = Bare(room=room)
    write_directly(transport, b"frame")
    assert transport.socket.taken == b"frame"[:room]
    assert transport.left == b"frame"[room:]


@pytest.mark.parametrize("held", ["dataBuffer", "_tempDataBuffer"])
def test_nothing_overtakes_what_a_transport_still_holds(held: str) -> None:
    transport: Any = Bare(room=100)
    setattr(transport, held, b"before" if held == "dataBuffer" else [b"before"])
    write_directly(transport, b"frame")
    assert transport.socket.taken == b""
    assert transport.left == b"beforeframe"


def test_nothing_passes_by_an_encryption() -> None:
    transport = Encrypting()
    write_directly(transport, b"frame")
    assert transport.socket.taken == b""
    assert transport.written == b"frame"

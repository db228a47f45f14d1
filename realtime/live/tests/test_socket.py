import asyncio
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pytest_django import Settings

from realtime.access import Viewer
from realtime.live.socket import FRAME_CHARS, OVERVIEW_ROWS_MAX, Socket
from realtime.live.watcher import CloseConnection
from realtime.live.wire import ACK_EVERY, AGED, TOO_SLOW


class Browser:
    """Receives what a socket sends, while `reads` is set."""

    def __init__(self) -> None:
        self.frames: list[dict[str, Any]] = []
        self.reads = asyncio.Event()
        self.reads.set()

    async def send(self, message: dict[str, Any]) -> None:
        await self.reads.wait()
        self.frames.append(json.loads(message["text"]))


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_snapshots_that_come_together_are_sent_in_one_frame() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer())
    for number in range(3):
        socket.offer(uuid4(), str(number))
    await settle()
    assert browser.frames == [{"type": "jobs", "seq": 1, "jobs": [0, 1, 2]}]


async def test_only_the_newest_snapshot_of_a_job_is_sent() -> None:
    browser, job_id = Browser(), uuid4()
    socket = Socket(browser.send, Viewer())
    browser.reads.clear()
    for number in range(5):
        socket.offer(job_id, str(number))
        await settle()
    browser.reads.set()
    await settle()
    assert [frame["jobs"] for frame in browser.frames] == [[0], [4]]


async def test_a_browser_that_does_not_acknowledge_is_skipped(settings: Settings) -> None:
    settings.REALTIME_CREDIT_WINDOW = 2
    browser, job_id = Browser(), UUID(int=1)
    socket = Socket(browser.send, Viewer())
    for number in range(10):
        socket.offer(job_id, str(number))
        await settle()
    assert [frame["seq"] for frame in browser.frames] == [1, 2]
    assert socket.acknowledge(1)
    await settle()
    assert browser.frames[-1] == {"type": "jobs", "seq": 3, "jobs": [9]}


async def test_only_sent_frames_can_be_acknowledged() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer())
    socket.offer(uuid4(), "1")
    await settle()
    assert not socket.acknowledge(2)
    assert socket.acknowledge(1)
    assert not socket.acknowledge(0)


async def test_a_forgotten_job_is_not_sent() -> None:
    browser, job_id = Browser(), uuid4()
    socket = Socket(browser.send, Viewer())
    socket.offer(job_id, "1")
    socket.forget(job_id)
    await settle()
    assert browser.frames == []


async def test_the_rows_of_an_overview_are_bounded() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer(is_operator=True))
    socket.offer_overview(
        "{}", {str(number): str(number) for number in range(OVERVIEW_ROWS_MAX + 5)}
    )
    await settle()
    rows = browser.frames[0]["jobs"]
    assert len(rows) == OVERVIEW_ROWS_MAX
    assert rows[-1] == OVERVIEW_ROWS_MAX + 4


async def test_a_closed_socket_sends_nothing_more() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer())
    browser.reads.clear()
    socket.offer(uuid4(), "1")
    await settle()
    socket.stop_sending()
    browser.reads.set()
    await settle()
    assert browser.frames == []


async def test_a_browser_that_does_not_read_does_not_delay_others() -> None:
    slow, quick = Browser(), Browser()
    slow.reads.clear()
    sockets = [Socket(browser.send, Viewer()) for browser in (slow, quick)]
    for number in range(3):
        for socket in sockets:
            socket.offer(UUID(int=1), str(number))
        await settle()
    assert [frame["jobs"] for frame in quick.frames] == [[0], [1], [2]]
    slow.reads.set()
    await settle()
    assert [frame["jobs"] for frame in slow.frames] == [[0], [2]]


class RecordingSocket(Socket):
    """Does not cancel its task, which is the test."""

    def request_close(self, closed: CloseConnection) -> None:
        self.close_request = closed


async def test_a_socket_that_cannot_send_is_closed() -> None:
    tries = []

    async def send(message: dict[str, Any]) -> None:
        tries.append(message)
        raise OSError("gone")

    socket = RecordingSocket(send, Viewer())
    for number in range(3):
        socket.offer(uuid4(), str(number))
        await settle()
    assert len(tries) == 1
    assert socket.close_request is not None
    assert socket.close_request.code == AGED


async def test_a_socket_whose_server_cannot_send_expires(settings: Settings) -> None:
    settings.REALTIME_SEND_DEADLINE = 0.0
    browser = Browser()
    browser.reads.clear()
    socket = Socket(browser.send, Viewer())
    assert socket.close_reason() is None
    socket.offer(uuid4(), "1")
    await settle()
    closed = socket.close_reason()
    assert closed is not None
    assert closed.code == TOO_SLOW
    browser.reads.set()
    await settle()
    assert socket.close_reason() is None


async def test_a_frame_has_a_limited_size() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer())
    large = f'"{"x" * (FRAME_CHARS - 2)}"'
    for snapshot in ("1", large, "2", "3"):
        socket.offer(uuid4(), snapshot)
    await settle()
    assert [len(frame["jobs"]) for frame in browser.frames] == [2, 2]


async def test_a_large_overview_is_sent_in_parts() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer(is_operator=True))
    large = f'"{"x" * (FRAME_CHARS - 2)}"'
    socket.offer_overview('{"running":1}', {"1": large, "2": large})
    await settle()
    parts = [(frame["numbers"], len(frame["jobs"])) for frame in browser.frames]
    assert parts == [({"running": 1}, 1), ({"running": 1}, 1)]


async def test_a_browser_that_reads_but_acknowledges_nothing_expires(settings: Settings) -> None:
    settings.REALTIME_SEND_DEADLINE = 0.0
    browser, expiries = Browser(), []
    socket = Socket(browser.send, Viewer())
    for number in range(ACK_EVERY + 1):
        socket.offer(UUID(int=1), str(number))
        await settle()
        expiries.append(socket.close_reason())
    assert not any(expiries[:ACK_EVERY])
    assert expiries[-1] is not None
    assert expiries[-1].code == TOO_SLOW


async def test_only_an_acknowledgement_of_later_frames_counts(settings: Settings) -> None:
    settings.REALTIME_SEND_DEADLINE = 0.0
    browser = Browser()
    socket = Socket(browser.send, Viewer())
    for number in range(ACK_EVERY + 2):
        socket.offer(UUID(int=1), str(number))
        await settle()
    assert socket.acknowledge(0)
    assert socket.close_reason() is not None
    assert socket.acknowledge(ACK_EVERY)
    assert socket.close_reason() is None


def test_the_script_acknowledges_as_often_as_the_server_expects() -> None:
    script = Path(__file__).parents[2] / "static/realtime/link/acknowledgements.js"
    values = re.findall(r"const ACK_EVERY = (\d+);", script.read_text("utf-8"))
    assert values == [str(ACK_EVERY)]

import asyncio
import json
import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from pytest_django import Settings

from realtime.access import Viewer
from realtime.live.socket import FULL, ROWS_MAX, Socket
from realtime.live.watcher import Closed
from realtime.live.wire import ACK_EVERY, AGED, TOO_SLOW


class Browser:
    """Takes what a socket sends, when it is let."""

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


async def test_what_comes_together_goes_in_one_frame() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer())
    for number in range(3):
        socket.offer(uuid4(), str(number))
    await settle()
    assert browser.frames == [{"type": "jobs", "seq": 1, "jobs": [0, 1, 2]}]


async def test_only_the_newest_snapshot_of_a_job_is_owed() -> None:
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


async def test_only_what_was_sent_can_be_acknowledged() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer())
    socket.offer(uuid4(), "1")
    await settle()
    assert not socket.acknowledge(2)
    assert socket.acknowledge(1)
    assert not socket.acknowledge(0)


async def test_a_job_that_is_forgotten_is_owed_no_more() -> None:
    browser, job_id = Browser(), uuid4()
    socket = Socket(browser.send, Viewer())
    socket.offer(job_id, "1")
    socket.forget(job_id)
    await settle()
    assert browser.frames == []


async def test_the_rows_of_an_overview_are_bounded() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer(is_operator=True))
    socket.offer_overview("{}", {str(number): str(number) for number in range(ROWS_MAX + 5)})
    await settle()
    rows = browser.frames[0]["jobs"]
    assert len(rows) == ROWS_MAX
    assert rows[-1] == ROWS_MAX + 4


async def test_a_closed_socket_sends_nothing_more() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer())
    browser.reads.clear()
    socket.offer(uuid4(), "1")
    await settle()
    socket.close()
    browser.reads.set()
    await settle()
    assert browser.frames == []


async def test_one_that_takes_nothing_does_not_hold_up_the_others() -> None:
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


class Dismissed(Socket):
    """Whose consumer is the test, which is to go on."""

    def dismiss(self, refusal: Closed) -> None:
        self.refusal = refusal


async def test_a_socket_that_cannot_be_sent_to_is_dismissed() -> None:
    tries = []

    async def send(message: dict[str, Any]) -> None:
        tries.append(message)
        raise OSError("gone")

    socket = Dismissed(send, Viewer())
    for number in range(3):
        socket.offer(uuid4(), str(number))
        await settle()
    assert len(tries) == 1
    assert socket.refusal is not None
    assert socket.refusal.code == AGED


async def test_one_whose_server_cannot_send_is_let_go_too(settings: Settings) -> None:
    settings.REALTIME_SEND_DEADLINE = 0.0
    browser = Browser()
    browser.reads.clear()
    socket = Socket(browser.send, Viewer())
    assert socket.fault() is None
    socket.offer(uuid4(), "1")
    await settle()
    refusal = socket.fault()
    assert refusal is not None
    assert refusal.code == TOO_SLOW
    browser.reads.set()
    await settle()
    assert socket.fault() is None


async def test_a_frame_is_full_at_some_size() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer())
    large = f'"{"x" * (FULL - 2)}"'
    for snapshot in ("1", large, "2", "3"):
        socket.offer(uuid4(), snapshot)
    await settle()
    assert [len(frame["jobs"]) for frame in browser.frames] == [2, 2]


async def test_a_large_overview_is_sent_in_parts() -> None:
    browser = Browser()
    socket = Socket(browser.send, Viewer(is_operator=True))
    large = f'"{"x" * (FULL - 2)}"'
    socket.offer_overview('{"running":1}', {"1": large, "2": large})
    await settle()
    parts = [(frame["numbers"], len(frame["jobs"])) for frame in browser.frames]
    assert parts == [({"running": 1}, 1), ({"running": 1}, 1)]


async def test_one_that_takes_all_and_acknowledges_nothing_is_let_go(settings: Settings) -> None:
    settings.REALTIME_SEND_DEADLINE = 0.0
    browser, faults = Browser(), []
    socket = Socket(browser.send, Viewer())
    for number in range(ACK_EVERY + 1):
        socket.offer(UUID(int=1), str(number))
        await settle()
        faults.append(socket.fault())
    assert not any(faults[:ACK_EVERY])
    assert faults[-1] is not None
    assert faults[-1].code == TOO_SLOW


async def test_only_an_acknowledgement_of_more_counts(settings: Settings) -> None:
    settings.REALTIME_SEND_DEADLINE = 0.0
    browser = Browser()
    socket = Socket(browser.send, Viewer())
    for number in range(ACK_EVERY + 2):
        socket.offer(UUID(int=1), str(number))
        await settle()
    assert socket.acknowledge(0)
    assert socket.fault() is not None
    assert socket.acknowledge(ACK_EVERY)
    assert socket.fault() is None


def test_the_script_acknowledges_as_often_as_it_is_waited_for() -> None:
    script = Path(__file__).parents[2] / "static/realtime/link/acknowledgements.js"
    found = re.findall(r"const ACK_EVERY = (\d+);", script.read_text("utf-8"))
    assert found == [str(ACK_EVERY)]

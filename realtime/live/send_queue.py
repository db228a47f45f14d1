"""SendQueue: sends the frames of all sockets of one event loop.

Measured with thousands of sockets: a task for each frame costs as much as the frame. So the queue
begins each send itself, and a task continues it only if it has to wait.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from time import monotonic
from types import coroutine
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

SLICE: Final = 0.004
"""Seconds of sending after which the rest of the event loop runs."""
QUICK: Final = 0.005
"""Seconds; a turn of the loop that is shorter had little to do."""


class Sender(Protocol):
    def flush(self) -> None:
        """Send one frame if possible; must not raise."""


class SendQueue:
    """Flushes senders in the order in which they were added.

    After a round of flushes the queue waits until a turn of the event loop is quick, or for as
    long as the round took. Incoming messages are read meanwhile: so an overloaded process sends
    fewer frames with newer snapshots.
    """

    def __init__(self) -> None:
        self._due: dict[Sender, None] = {}
        self._round: list[Sender] = []
        self._is_scheduled = False
        self._began = 0.0
        self._turned_at = 0.0
        self._waits_until = 0.0

    def add(self, sender: Sender) -> None:
        """Flush `sender` soon; once, even if it is added several times."""
        self._due[sender] = None
        if not self._is_scheduled:
            self._is_scheduled = True
            _soon(self._start)

    def _start(self) -> None:
        self._round, self._due = list(reversed(self._due)), {}
        self._began = monotonic()
        self._flush_slice()

    def _flush_slice(self) -> None:
        """Flush the senders of this round for at most `SLICE` seconds."""
        ends = monotonic() + SLICE
        while self._round:
            self._round.pop().flush()
            if monotonic() > ends:
                _soon(self._flush_slice)
                return
        self._turned_at = monotonic()
        self._waits_until = 2 * self._turned_at - self._began
        _soon(self._wait)

    def _wait(self) -> None:
        now = monotonic()
        if now - self._turned_at > QUICK and now < self._waits_until:
            self._turned_at = now
            _soon(self._wait)
        elif self._due:
            self._start()
        else:
            self._is_scheduled = False


def _soon(call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(call)


def begin(sending: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
    """Run `sending` until it waits, and continue it in a task; None if it did not wait.

    `asyncio.eager_task_factory` does the same from Python 3.12 on.
    """
    try:
        awaited = sending.send(None)
    except StopIteration:
        return None
    return asyncio.get_running_loop().create_task(_finish(sending, awaited))


async def _finish(sending: Coroutine[Any, Any, None], awaited: Any) -> None:
    await _resumed(sending, awaited)


@coroutine
def _resumed(sending: Coroutine[Any, Any, None], awaited: Any) -> Generator[Any, Any, None]:
    """Continue `sending`, which has begun and waits for `awaited`."""
    while True:
        try:
            sent = yield awaited
        except BaseException as error:  # noqa: BLE001 - it is thrown into `sending`, a cancellation too
            thrown: BaseException | None = error
        else:
            thrown = None
        try:
            awaited = sending.throw(thrown) if thrown else sending.send(sent)
        except StopIteration:
            return


_send_queues: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, SendQueue]] = WeakKeyDictionary()


def send_queue() -> SendQueue:
    """The queue of the running event loop."""
    loop = asyncio.get_running_loop()
    queue = _send_queues.get(loop)
    if queue is None:
        queue = _send_queues[loop] = SendQueue()
    return queue

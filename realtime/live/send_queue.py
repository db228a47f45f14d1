"""Sends what sockets are owed: all those of one event loop from one place.

Measured with thousands of sockets: a task for each frame costs as much as the frame. So a send is
begun at once, here, and becomes a task only if it has to wait, which leaves the others going.
"""

import asyncio
from collections.abc import Callable, Coroutine, Generator
from time import monotonic
from types import coroutine
from typing import Any, Final, Protocol
from weakref import WeakKeyDictionary

SLICE: Final = 0.004
"""Seconds of sending after which everything else on the loop has its turn."""
QUICK: Final = 0.005
"""A turn of the loop that takes no longer had little to do."""


class Sender(Protocol):
    def flush(self) -> None:
        """Send what can be sent; must not raise."""


class SendQueue:
    """Flushes those that ask for it, in the order in which they asked.

    A round of flushes is followed by turns of the loop until one is quick, or as much time as
    the round took is over. What came in meanwhile is read then, so that under overload fewer
    frames go out, each of them new, in place of all of them, each older than the one before.
    """

    def __init__(self) -> None:
        self._due: dict[Sender, None] = {}
        self._round: list[Sender] = []
        self._is_set = False
        self._began = 0.0
        self._turned_at = 0.0
        self._rests_until = 0.0

    def add(self, owed: Sender) -> None:
        """Have `owed` flushed soon, once, however often it asks."""
        self._due[owed] = None
        if not self._is_set:
            self._is_set = True
            _soon(self._start)

    def _start(self) -> None:
        self._round, self._due = list(reversed(self._due)), {}
        self._began = monotonic()
        self._go_on()

    def _go_on(self) -> None:
        """A slice of the round."""
        ends = monotonic() + SLICE
        while self._round:
            self._round.pop().flush()
            if monotonic() > ends:
                _soon(self._go_on)
                return
        self._turned_at = monotonic()
        self._rests_until = 2 * self._turned_at - self._began
        _soon(self._rest)

    def _rest(self) -> None:
        now = monotonic()
        if now - self._turned_at > QUICK and now < self._rests_until:
            self._turned_at = now
            _soon(self._rest)
        elif self._due:
            self._start()
        else:
            self._is_set = False


def _soon(call: Callable[[], None]) -> None:
    asyncio.get_running_loop().call_soon(call)


def begin(sending: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
    """Run `sending` as far as it goes without waiting; the rest of it, if any, is a task.

    As `asyncio.eager_task_factory` does from Python 3.12 on.
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
    """`sending`, which has been begun, and waits for `awaited`."""
    while True:
        try:
            sent = yield awaited
        except BaseException as error:  # noqa: BLE001 - it is for `sending`, a cancellation too
            thrown: BaseException | None = error
        else:
            thrown = None
        try:
            awaited = sending.throw(thrown) if thrown else sending.send(sent)
        except StopIteration:
            return


_flushers: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, SendQueue]] = WeakKeyDictionary()


def send_queue() -> SendQueue:
    """The flusher of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _flushers.get(loop)
    if found is None:
        found = _flushers[loop] = SendQueue()
    return found

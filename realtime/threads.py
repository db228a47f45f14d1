"""A thread that does blocking work for an event loop, one call after the other.

Not a `ThreadPoolExecutor`: that one refuses work as soon as the interpreter begins to exit, which
is when the bus drains.
"""

import asyncio
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Any, TypeVar

from django.db import connections

T = TypeVar("T")


class SerialThread:
    def __init__(self, name: str) -> None:
        self._calls: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        threading.Thread(target=self._work, name=name, daemon=True).start()

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run `function(*args)` in the thread, and return or raise what it does."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def work() -> None:
            try:
                result = function(*args)
            except BaseException as error:  # noqa: BLE001 - handed to whoever awaits the call
                # It may be broken, or left within a transaction; the next call opens a new one.
                connections.close_all()
                _tell(loop, future, None, error)
            else:
                _tell(loop, future, result, None)

        self._calls.put(work)
        return await future

    def close(self) -> None:
        """End the thread once it has done what was asked of it so far."""
        self._calls.put(None)

    def _work(self) -> None:
        while call := self._calls.get():
            call()
        connections.close_all()


def _tell(
    loop: asyncio.AbstractEventLoop,
    future: "asyncio.Future[Any]",
    result: Any,
    error: BaseException | None,
) -> None:
    try:
        loop.call_soon_threadsafe(_settle, future, result, error)
    except RuntimeError:
        if not loop.is_closed():
            raise  # otherwise whoever asked is gone, with the whole loop


def _settle(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return  # Its owner was cancelled while the call ran.
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)

"""SerialThread: runs blocking calls for an event loop, one after another, in one thread.

It is not a `ThreadPoolExecutor`, because that refuses calls as soon as the interpreter begins to
exit, which is when the bus drains.
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
        threading.Thread(target=self._run_calls, name=name, daemon=True).start()

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """Run `function(*args)` in the thread; return its result or raise its exception."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def run() -> None:
            try:
                result = function(*args)
            except BaseException as error:  # noqa: BLE001 - raised where the call is awaited
                # A connection may be broken or in a transaction: the next call opens a new one.
                connections.close_all()
                _set_from_thread(loop, future, None, error)
            else:
                _set_from_thread(loop, future, result, None)

        self._calls.put(run)
        return await future

    def close(self) -> None:
        """End the thread after the calls that it has received so far."""
        self._calls.put(None)

    def _run_calls(self) -> None:
        while call := self._calls.get():
            call()
        connections.close_all()


def _set_from_thread(
    loop: asyncio.AbstractEventLoop,
    future: "asyncio.Future[Any]",
    result: Any,
    error: BaseException | None,
) -> None:
    try:
        loop.call_soon_threadsafe(_set, future, result, error)
    except RuntimeError:
        if not loop.is_closed():
            raise  # A closed loop has no caller that still waits.


def _set(future: "asyncio.Future[Any]", result: Any, error: BaseException | None) -> None:
    if future.done():
        return  # The caller was cancelled while the call ran.
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)

"""The soft time limit in a child process of a worker.

Celery internals: `billiard.pool` sends `SIG_SOFT_TIMEOUT` to the child process, and installs a
handler there that raises `SoftTimeLimitExceeded`.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

from billiard.exceptions import SoftTimeLimitExceeded
from billiard.pool import SIG_SOFT_TIMEOUT


@contextmanager
def cancel_at_soft_limit() -> Iterator[None]:
    """Have the soft limit cancel the current asyncio task at its next await.

    By itself, the signal raises in the code that it interrupts. That is often the code of the event
    loop or of another asyncio task, where the exception is lost and stops that code (measured: 8 of
    40 times with a body that was reading from a socket).
    """
    before, current = _pool_handler(), asyncio.current_task()
    if not before or not current:
        yield
        return
    loop = asyncio.get_running_loop()
    cancellations: list[asyncio.Handle] = []

    def cancel(*_: Any) -> None:
        cancellations.append(loop.call_soon_threadsafe(current.cancel))

    signal.signal(SIG_SOFT_TIMEOUT, cancel)
    try:
        yield
    except asyncio.CancelledError as error:
        if cancellations:
            raise SoftTimeLimitExceeded from error
        raise
    finally:
        signal.signal(SIG_SOFT_TIMEOUT, before)
        for handle in cancellations:
            handle.cancel()  # The body has ended: the limit must not cancel what follows it.


@contextmanager
def soft_limit_of_body() -> Iterator[Callable[[], object]]:
    """Yield a function that ignores the soft limit from its call until the end of the block.

    Call it when the body has ended: the limit must not interrupt the code that saves the outcome.
    """
    before = _pool_handler()
    if not before:
        yield lambda: None
        return
    try:
        yield lambda: signal.signal(SIG_SOFT_TIMEOUT, signal.SIG_IGN)
    finally:
        signal.signal(SIG_SOFT_TIMEOUT, before)


def _pool_handler() -> Callable[[int, FrameType | None], Any] | None:
    """The pool's handler, which raises; None in a thread, and in a pool without processes."""
    if not SIG_SOFT_TIMEOUT or threading.current_thread() is not threading.main_thread():
        return None
    handler = signal.getsignal(SIG_SOFT_TIMEOUT)
    return handler if callable(handler) else None

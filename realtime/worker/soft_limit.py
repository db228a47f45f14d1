"""The soft time limit in a worker process."""

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
def soft_limit_cancels() -> Iterator[None]:
    """Have the soft limit cancel the current asyncio task, at its next await.

    By itself its signal raises in whatever code it interrupts. That is as often as not the loop's
    own code or another asyncio task, where it is lost, with what it interrupted (measured: 8 of 40
    times with a body that was busy reading from a socket).
    """
    before, current = _pool_handler(), asyncio.current_task()
    if not before or not current:
        yield
        return
    loop = asyncio.get_running_loop()
    asked: list[asyncio.Handle] = []

    def cancel(*_: Any) -> None:
        asked.append(loop.call_soon_threadsafe(current.cancel))

    signal.signal(SIG_SOFT_TIMEOUT, cancel)
    try:
        yield
    except asyncio.CancelledError as error:
        if asked:
            raise SoftTimeLimitExceeded from error
        raise
    finally:
        signal.signal(SIG_SOFT_TIMEOUT, before)
        for handle in asked:
            handle.cancel()  # The body has ended before: what follows it is not meant.


@contextmanager
def soft_limit_ends() -> Iterator[Callable[[], object]]:
    """Yields what is to be called at the end of a body: until the block's, the soft limit is deaf.

    What tells the job's row how the body has ended must not be interrupted.
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
    """The pool's own, which raises; None where there are no soft limits, for want of processes."""
    if not SIG_SOFT_TIMEOUT or threading.current_thread() is not threading.main_thread():
        return None
    found = signal.getsignal(SIG_SOFT_TIMEOUT)
    return found if callable(found) else None

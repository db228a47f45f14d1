"""A time limit for a block of code in the main thread."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raises `TimeoutError` in the block after so many seconds."""

    def time_out(*_: object) -> Never:
        raise TimeoutError(f"It takes longer than {seconds} s")

    previous = signal.signal(signal.SIGALRM, time_out)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)

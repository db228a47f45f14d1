"""Waiting for what happens in another process."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

PAUSE = 0.05


def until(look: Callable[[], T], *, within: float, what: str) -> T:
    """What `look` returns as soon as it is truthy; fails with `what` after `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {within} s: {what} (last seen: {seen!r})")
        time.sleep(PAUSE)

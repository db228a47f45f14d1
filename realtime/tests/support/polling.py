"""Polling: waits for something that happens in another process."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")

INTERVAL = 0.05


def until(check: Callable[[], T], *, within: float, what: str) -> T:
    """Calls `check` until it returns something truthy, and returns that.

    Raises:
        AssertionError: it did not within `within` seconds; the message contains `what`.
    """
    deadline = time.monotonic() + within
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"Not within {within} s: {what} (last value: {value!r})")
        time.sleep(INTERVAL)

"""Retries: calls Flickr again after errors that may pass, and tells the viewer about it."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import stamina

from photos.flickr.errors import TransientError

TRIES_MAX = 5
WAIT_MAX_SECONDS = 60.0
SLOW_AFTER_SECONDS = 4.0
"""A request that takes longer shows a message."""
SLOW = "Waiting for Flickr."

ShowMessage = Callable[[str], None]
"""Shows a message on the page of the import; an empty one removes the message."""

Result = TypeVar("Result")


def backoff(failures: int, *, first: float) -> float:
    """The seconds to wait after so many failures: doubled each time, and up to a quarter less.

    The random part keeps two imports from sending their requests at the same moments.
    """
    wait = min(first * 2.0 ** (failures - 1), WAIT_MAX_SECONDS)
    return wait * random.uniform(0.75, 1)  # noqa: S311 - nothing secret


@contextmanager
def when_slow(show: Callable[[], None], *, after: float) -> Iterator[None]:
    """Call `show` if the block takes longer than `after` seconds."""
    timer = asyncio.get_running_loop().call_later(after, show)
    try:
        yield
    finally:
        timer.cancel()


class _RetryPolicy:
    """Called by stamina after each error; returns the seconds to wait, or False to give up."""

    def __init__(self, *, show_message: ShowMessage, first_wait: float) -> None:
        self._show_message = show_message
        self._first_wait = first_wait
        self.failures = 0

    def __call__(self, error: Exception) -> bool | float:
        self.failures += 1
        if isinstance(error, TransientError):
            error.tries = self.failures
        if not isinstance(error, TransientError) or self.failures >= TRIES_MAX:
            return False
        wait = error.retry_after
        if wait is None:
            wait = backoff(self.failures, first=self._first_wait)
        next_try = f"({self.failures + 1} of {TRIES_MAX})"
        self._show_message(f"{error.problem}. Trying again in {wait:.0f} s {next_try}.")
        return wait


async def with_retries(
    call: Callable[[], Awaitable[Result]],
    *,
    show_message: ShowMessage,
    first_wait: float,
    slow_after: float = SLOW_AFTER_SECONDS,
) -> Result:
    """Return the result of `call`; call it up to `TRIES_MAX` times if it raises TransientError."""
    shown = ""

    def show(text: str) -> None:
        nonlocal shown
        shown = text
        show_message(text)

    policy = _RetryPolicy(show_message=show, first_wait=first_wait)
    async for attempt in stamina.retry_context(on=policy, attempts=TRIES_MAX, timeout=None):
        with attempt:
            with when_slow(lambda: show(SLOW), after=slow_after):
                result = await call()
            if shown:
                show("")
            return result
    raise AssertionError("unreachable")

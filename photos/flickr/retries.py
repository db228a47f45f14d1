"""Tries again what may pass, and says so to whoever watches."""

import random
from collections.abc import Awaitable, Callable
from typing import TypeVar

import stamina

from photos.flickr.errors import TransientError

TRIES = 5
LONGEST_WAIT = 60.0

Say = Callable[[str], None]
Result = TypeVar("Result")


def backoff(failures: int, *, first: float) -> float:
    """Doubled each time and up to a quarter off, so that two imports do not march in step."""
    wait = min(first * 2.0 ** (failures - 1), LONGEST_WAIT)
    return wait * random.uniform(0.75, 1)  # noqa: S311 - nothing secret


class _Patience:
    def __init__(self, *, say: Say, first_wait: float) -> None:
        self._say = say
        self._first_wait = first_wait
        self.failures = 0

    def __call__(self, error: Exception) -> bool | float:
        self.failures += 1
        if not isinstance(error, TransientError) or self.failures >= TRIES:
            return False
        asked = error.retry_after
        wait = backoff(self.failures, first=self._first_wait) if asked is None else asked
        self._say(f"{error.what}. Trying again in {wait:.0f} s ({self.failures + 1} of {TRIES}).")
        return wait


async def with_retries(
    call: Callable[[], Awaitable[Result]], *, say: Say, first_wait: float
) -> Result:
    """The result of `call`, tried up to `TRIES` times while it fails for a passing reason."""
    patience = _Patience(say=say, first_wait=first_wait)
    async for attempt in stamina.retry_context(on=patience, attempts=TRIES, timeout=None):
        with attempt:
            result = await call()
            if patience.failures:
                say("")
            return result
    raise AssertionError("unreachable")

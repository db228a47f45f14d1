"""StopSignal: ends the body of a run at its next progress call.

The bus calls `stop` from its own thread when the job is cancelled or another run has taken it over.
"""

from collections.abc import Callable
from time import monotonic
from typing import Final

from realtime.errors import Stopped

CANCEL_AGAIN_SECONDS: Final = 10.0
"""How long a coroutine body may tidy up before it is cancelled once more."""


class StopSignal:
    __slots__ = ("_clock", "_on_stop", "_stopped_at", "reason")

    def __init__(self, *, clock: Callable[[], float] = monotonic) -> None:
        self.reason: Stopped | None = None
        """Why the body must end; None while it may go on."""
        self._clock = clock
        self._stopped_at = -CANCEL_AGAIN_SECONDS
        self._on_stop: Callable[[], object] = lambda: None

    def check(self) -> None:
        if self.reason is not None:
            raise self.reason

    def stop(self, reason: Stopped) -> None:
        """Have `check` raise `reason` from now on, and call the function of `on_stop`."""
        self.reason = reason
        now = self._clock()
        if now - self._stopped_at >= CANCEL_AGAIN_SECONDS:
            self._stopped_at = now
            self._on_stop()

    def on_stop(self, call: Callable[[], object]) -> None:
        """Have `stop` call `call`; after a `stop`, call it at once."""
        self._on_stop = call
        if self.reason is not None:
            call()

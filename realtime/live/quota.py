"""Quota: limits how many frames a browser may send."""

from time import monotonic
from typing import Final

from realtime.conf import conf
from realtime.live.watcher import CloseConnection
from realtime.live.wire import TOO_MANY


class Quota:
    """Allows `REALTIME_FRAMES_PER_SECOND` frames in each second."""

    WINDOW: Final = 1.0

    def __init__(self) -> None:
        self._second_began = monotonic()
        self._frames = 0

    def count(self) -> None:
        """
        Raises:
            CloseConnection: the browser has sent too many frames in this second.
        """
        now = monotonic()
        if now - self._second_began >= self.WINDOW:
            self._second_began, self._frames = now, 0
        self._frames += 1
        if self._frames > conf.FRAMES_PER_SECOND:
            raise CloseConnection(
                TOO_MANY, f"More than {conf.FRAMES_PER_SECOND} frames came in one second."
            )

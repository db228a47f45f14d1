"""How many frames a browser may send."""

from time import monotonic
from typing import Final

from realtime.conf import conf
from realtime.live.watcher import Closed
from realtime.live.wire import TOO_MANY


class Quota:
    """At most `REALTIME_FRAMES_PER_SECOND` frames within any one second that starts anew."""

    WINDOW: Final = 1.0

    def __init__(self) -> None:
        self._since = monotonic()
        self._frames = 0

    def count(self) -> None:
        now = monotonic()
        if now - self._since >= self.WINDOW:
            self._since, self._frames = now, 0
        self._frames += 1
        if self._frames > conf.FRAMES_PER_SECOND:
            raise Closed(TOO_MANY, f"At most {conf.FRAMES_PER_SECOND} frames a second.")

"""WatchedJob: a job with watchers in this process, and its newest snapshot."""

from time import monotonic
from typing import Final

from realtime.channel_layer.messages import JobMessage
from realtime.conf import conf
from realtime.live.watcher import Watcher

FINISHED_FACTOR: Final = 12
"""A finished job changes only when it is run again, so its row is read so many times less often."""


class WatchedJob:
    __slots__ = ("finished", "operator", "public", "updated_at", "version", "watchers")

    def __init__(self) -> None:
        self.watchers: set[Watcher] = set()
        self.version = (-1, -1)
        self.public = self.operator = ""
        self.finished = False
        self.updated_at = 0.0

    def update(self, message: JobMessage) -> bool:
        """Take over a snapshot; False if it is older than the present one, or equal to it."""
        self.updated_at = monotonic()
        version = (message["revision"], message["tick"])
        if version < self.version or message["operator"] == self.operator:
            return False
        self.version, self.finished = version, message["finished"]
        self.public, self.operator = message["public"], message["operator"]
        return True

    def is_silent(self) -> bool:
        """Whether no message has come for so long that its row should be read."""
        seconds = conf.REPAIR_INTERVAL * (FINISHED_FACTOR if self.finished else 0.8)
        return monotonic() - self.updated_at > seconds

    def text_for(self, watcher: Watcher) -> str:
        return self.operator if watcher.is_operator else self.public

"""A job that somebody watches in this process."""

from time import monotonic
from typing import Final

from realtime.channel_layer.messages import JobMessage
from realtime.conf import conf
from realtime.live.watcher import Watcher

FINISHED_PATIENCE: Final = 12
"""How many times longer a finished job may be silent: it changes only when it is run again."""


class WatchedJob:
    """A job that somebody watches here, and the newest that is known of it."""

    __slots__ = ("finished", "heard_at", "operator", "public", "version", "watchers")

    def __init__(self) -> None:
        self.watchers: set[Watcher] = set()
        self.version = (-1, -1)
        self.public = self.operator = ""
        self.finished = False
        self.heard_at = 0.0

    def take(self, message: JobMessage) -> bool:
        """Whether `message` is news: not older than what is known, and not the same."""
        self.heard_at = monotonic()
        version = (message["revision"], message["tick"])
        if version < self.version or message["operator"] == self.operator:
            return False
        self.version, self.finished = version, message["finished"]
        self.public, self.operator = message["public"], message["operator"]
        return True

    def is_silent(self) -> bool:
        patience = conf.REPAIR_INTERVAL * (FINISHED_PATIENCE if self.finished else 0.8)
        return monotonic() - self.heard_at > patience

    def text_for(self, watcher: Watcher) -> str:
        return self.operator if watcher.is_operator else self.public

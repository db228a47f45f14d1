"""Faults of the sandbox: replies given by a test, temporary faults, and a rate limit."""

from collections import deque
from dataclasses import dataclass, field

from photos.sandbox.config import SandboxConfig
from photos.sandbox.replies import (
    BAD_GATEWAY,
    MAINTENANCE_PAGE,
    NOT_CURRENTLY_AVAILABLE,
    TOO_MANY,
    Reply,
)
from photos.sandbox.seeds import seeded

TEMPORARY_FAULTS = (TOO_MANY, BAD_GATEWAY, MAINTENANCE_PAGE, NOT_CURRENTLY_AVAILABLE)


@dataclass(slots=True)
class Faults:
    config: SandboxConfig
    request_count: int = 0
    recent: deque[float] = field(default_factory=deque)

    def next(self) -> Reply | None:
        """The reply that the next request gets instead of the usual one, if any."""
        number, self.request_count = self.request_count, self.request_count + 1
        if number < len(self.config.first_replies):
            return self.config.first_replies[number]
        if self._over_limit():
            return TOO_MANY
        rng = seeded("fault", self.config.seed, number)
        return rng.choice(TEMPORARY_FAULTS) if rng.random() < self.config.failure_rate else None

    def _over_limit(self) -> bool:
        if not self.config.rate_limit:
            return False
        now = self.config.clock()
        while self.recent and self.recent[0] <= now - 1:
            self.recent.popleft()
        if len(self.recent) >= self.config.rate_limit:
            return True
        self.recent.append(now)
        return False

"""The sandbox's bad days: scripted answers, passing faults, and a rate limit."""

from collections import deque
from dataclasses import dataclass, field

from photos.sandbox.config import SandboxConfig
from photos.sandbox.replies import (
    BAD_GATEWAY,
    FLICKR_HOUSE_PAGE,
    NOT_CURRENTLY_AVAILABLE,
    TOO_MANY,
    Reply,
)
from photos.sandbox.seeds import seeded

PASSING = (TOO_MANY, BAD_GATEWAY, FLICKR_HOUSE_PAGE, NOT_CURRENTLY_AVAILABLE)


@dataclass(slots=True)
class Faults:
    config: SandboxConfig
    served: int = 0
    recent: deque[float] = field(default_factory=deque)

    def next(self) -> Reply | None:
        """The answer that the next request gets instead of its own, if any."""
        number, self.served = self.served, self.served + 1
        if number < len(self.config.script):
            return self.config.script[number]
        if self._over_limit():
            return TOO_MANY
        rng = seeded("fault", self.config.seed, number)
        return rng.choice(PASSING) if rng.random() < self.config.failure_rate else None

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

"""Frame statistics: how many updates the clients of a benchmark have received, and how late."""

from statistics import quantiles
from typing import Any, Protocol


class Client(Protocol):
    newest: float
    """The timestamp of the newest update that this client has received."""


class FrameStatistics:
    def __init__(self) -> None:
        self.clients: list[Client] = []
        self.failed = 0
        """Clients that could not connect."""
        self.lost = 0
        """Clients whose connection ended later."""
        self.reset()

    def reset(self) -> None:
        self.frames = 0
        self.newest = 0.0
        self.delays: list[float] = []
        """Seconds from the publication of each update until a client received it."""

    def add(self, timestamp: float, *, now: float) -> None:
        self.frames += 1
        self.newest = max(self.newest, timestamp)
        self.delays.append(now - timestamp)

    def report(self) -> dict[str, Any]:
        delays = self.delays or [0.0]
        percentiles = quantiles(delays, n=100) if len(delays) > 1 else delays * 99
        current = sum(client.newest == self.newest for client in self.clients)
        return {
            "sockets": len(self.clients),
            "failed": self.failed,
            "lost": self.lost,
            "frames": self.frames,
            "current": current,
            "p50": percentiles[49],
            "p99": percentiles[98],
        }

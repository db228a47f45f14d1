"""How hard and how long: the long form, the short one, and the one of every test run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

QUICK: Final = {
    "REALTIME_LEASE": "4",
    "REALTIME_PERSIST_INTERVAL": "0.5",
    "REALTIME_RECOVER_INTERVAL": "1",
    "REALTIME_MESSAGE_LOST_AFTER": "3",
    "REALTIME_RELAY_AFTER": "1",
}
"""Leases so short that a fault and its repair fit into seconds."""


@dataclass(frozen=True, kw_only=True)
class Form:
    jobs: int
    """Jobs of each kind, tracked and plain, in a scenario."""
    storm_jobs: int
    storm_kills: int
    rate: float
    """Jobs of each kind that are asked for in a second."""
    emails: int
    freeze: tuple[float, ...]
    """For how many seconds Redis is frozen, one scenario each."""
    stall: float
    """For how many seconds a worker is frozen: longer than the lease."""
    lock: float
    beat: float
    """For how many seconds two beats run."""
    drain: float = 75
    """Seconds without a sign of life after which what has not ended never will."""
    items: int = 2
    seconds: float = 0.03
    """How long an item's effect takes."""
    settings: Mapping[str, str] = field(default_factory=dict)


LONG: Final = Form(
    jobs=250,
    storm_jobs=5000,
    storm_kills=24,
    rate=15,
    emails=30,
    freeze=(5, 30),
    stall=36,
    lock=10,
    beat=60,
    drain=120,
)
SHORT: Final = Form(
    jobs=40,
    storm_jobs=160,
    storm_kills=6,
    rate=10,
    emails=10,
    freeze=(5,),
    stall=6,
    lock=6,
    beat=10,
    seconds=0.05,
    settings=QUICK,
)
"""In every run of `make chaos SHORT=1`."""
BRIEF: Final = Form(
    jobs=30,
    storm_jobs=60,
    storm_kills=4,
    rate=10,
    emails=5,
    freeze=(3,),
    stall=6,
    lock=5,
    beat=10,
    drain=60,
    seconds=0.05,
    settings=QUICK,
)
"""In every run of the tests."""

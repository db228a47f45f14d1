"""Load profiles: how many jobs and faults a scenario has, and how long each fault lasts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

QUICK_SETTINGS: Final = {
    "REALTIME_LEASE": "4",
    "REALTIME_PERSIST_INTERVAL": "0.5",
    "REALTIME_RECOVER_INTERVAL": "1",
    "REALTIME_MESSAGE_LOST_AFTER": "3",
    "REALTIME_RELAY_AFTER": "1",
}
"""Leases and intervals so short that a fault and the recovery from it take seconds."""


@dataclass(frozen=True, kw_only=True)
class Profile:
    jobs: int
    """Jobs of each kind, tracked and plain, in every scenario but the storm."""
    storm_jobs: int
    storm_kills: int
    rate: float
    """Jobs of each kind that are requested in a second."""
    emails: int
    redis_freeze_seconds: tuple[float, ...]
    """One scenario for each number."""
    worker_freeze_seconds: float
    """Longer than the lease."""
    lock_seconds: float
    beat_seconds: float
    """For how long two beats run."""
    quiet_seconds_max: float = 75
    """If no task records an effect for so long, the unfinished jobs are stuck."""
    items: int = 2
    """Items of each job."""
    effect_seconds: float = 0.03
    """How long the effect of an item takes."""
    settings: Mapping[str, str] = field(default_factory=dict)


LONG: Final = Profile(
    jobs=250,
    storm_jobs=5000,
    storm_kills=24,
    rate=15,
    emails=30,
    redis_freeze_seconds=(5, 30),
    worker_freeze_seconds=36,
    lock_seconds=10,
    beat_seconds=60,
    quiet_seconds_max=120,
)
SHORT: Final = Profile(
    jobs=40,
    storm_jobs=160,
    storm_kills=6,
    rate=10,
    emails=10,
    redis_freeze_seconds=(5,),
    worker_freeze_seconds=6,
    lock_seconds=6,
    beat_seconds=10,
    effect_seconds=0.05,
    settings=QUICK_SETTINGS,
)
"""For `make chaos SHORT=1`."""
BRIEF: Final = Profile(
    jobs=30,
    storm_jobs=60,
    storm_kills=4,
    rate=10,
    emails=5,
    redis_freeze_seconds=(3,),
    worker_freeze_seconds=6,
    lock_seconds=5,
    beat_seconds=10,
    quiet_seconds_max=60,
    effect_seconds=0.05,
    settings=QUICK_SETTINGS,
)
"""For the tests."""

"""Estimate: the rate and ETA of a job, and the fraction of its bar, which never moves backwards."""

from math import exp
from typing import Final

SMOOTHING: Final = 5.0
"""Seconds over which rates are smoothed: two thirds of a change show after this time."""
ETA_FRACTION: Final = 0.05
ETA_SECONDS: Final = 5.0
"""An ETA is shown after this fraction of the job and this many seconds: before, it is noise."""


class Smoothed:
    """The speed of a growing value: its mean at first, exponentially smoothed later.

    The mean, because a bar often jumps when a short phase ends: one update must not decide.
    """

    __slots__ = ("_at", "_value", "began", "speed")

    def __init__(self, value: float, at: float) -> None:
        self._value = value
        self._at = self.began = at
        self.speed: float | None = None

    def update(self, value: float, at: float) -> None:
        elapsed = at - self._at
        if elapsed <= 0:
            return
        moved = max(0.0, value - self._value)
        self.speed = smoothed(self.speed, moved=moved, elapsed=elapsed, since=at - self.began)
        self._value, self._at = value, at


def smoothed(speed: float | None, *, moved: float, elapsed: float, since: float) -> float | None:
    """The speed after a value has `moved` in `elapsed` seconds, `since` seconds after the start."""
    if speed is None:
        return moved / since or None
    share = max(1 - exp(-elapsed / SMOOTHING), elapsed / since)
    return speed + (moved / elapsed - speed) * share


def time_left(fraction: float | None, speed: float | None, *, since: float) -> float | None:
    """The ETA in seconds, `since` seconds after the start; None while it would be noise."""
    if fraction is None or fraction < ETA_FRACTION or since < ETA_SECONDS or not speed:
        return None
    return (1 - fraction) / speed


class Estimate:
    """`update` takes the fraction and the phase's count at a time (`time.monotonic`).

    `floor` is the fraction that an earlier attempt reached. The bar stays there, and stays at its
    highest fraction when a new phase lowers the fraction, until the fraction has caught up. Until
    then there is no ETA.
    """

    def __init__(self, *, at: float, floor: float | None = None) -> None:
        self.fraction = floor
        self._own = 0.0
        self._now = at
        self._bar = Smoothed(0.0, at)
        self._count = Smoothed(0, at)

    def restart_count(self, at: float) -> None:
        """Forget the rate: a new phase has begun, and its units have their own rate."""
        self._count = Smoothed(0, at)

    def update(
        self,
        *,
        fraction: float | None,
        done: int,
        at: float,
        free: float = 0.0,
        skipped: int = 0,
    ) -> None:
        """`free` of the fraction and `skipped` of the count took no time: speeds ignore them."""
        if fraction is not None:
            self.fraction = min(1.0, max(self.fraction or 0.0, fraction))
        own = fraction or 0.0
        if own < self._own:
            self._bar = Smoothed(own - free, at)
        self._bar.update(own - free, at)
        self._own = own
        self._count.update(done - skipped, at)
        self._now = at

    @property
    def rate(self) -> float | None:
        return self._count.speed

    @property
    def eta(self) -> float | None:
        if self.fraction is None or self._own < self.fraction:
            return None
        return time_left(self.fraction, self._bar.speed, since=self._now - self._bar.began)

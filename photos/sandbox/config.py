"""The sandbox's knobs: a frozen structure for tests, environment variables for a process."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from photos.sandbox.replies import Reply

API_KEY = "sandbox-key"
"""The key that the sandbox's REST accepts; any other is answered like a bogus key at Flickr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    seed: int = 1
    latency: float = 0.0
    """Seconds an answer takes, on average."""
    failure_rate: float = 0.0
    """Share of requests answered by a passing fault: 429, 502, HTML, or "not available"."""
    gone_rate: float = 0.0
    """Share of photos whose picture is gone, for good."""
    hostile_rate: float = 0.03
    """Share of photos with a title that tries to break the page."""
    rate_limit: int = 0
    """Requests answered in any one second before 429; 0 is no limit."""
    photos: int = 6000
    interval: float = 90.0
    """Seconds between two new photos."""
    api_key: str = API_KEY
    moving: int = 0
    """New photos that appear with every REST request, so that pages move while they are read."""
    broken_escapes: bool = False
    """The feed as it was before 2017: invalid escapes and bare line breaks in strings."""
    script: tuple[Reply | None, ...] = ()
    """Answers to the first requests, in order; None lets that request through."""
    clock: Callable[[], float] = time.time


class BadKnobError(ValueError):
    """A SANDBOX_* variable that cannot be read; the text says which and what it may be."""


def from_environment(environ: Mapping[str, str]) -> SandboxConfig:
    """A latency by default: an import whose end one cannot see coming is no use to watch."""
    return SandboxConfig(
        seed=int(_number(environ, "SANDBOX_SEED", default=1, low=0, high=2**32)),
        latency=_number(environ, "SANDBOX_LATENCY", default=0.25, low=0, high=60),
        failure_rate=_number(environ, "SANDBOX_FAILURE_RATE", default=0, low=0, high=1),
        gone_rate=_number(environ, "SANDBOX_GONE_RATE", default=0, low=0, high=1),
        hostile_rate=_number(environ, "SANDBOX_HOSTILE_RATE", default=0.03, low=0, high=1),
        rate_limit=int(_number(environ, "SANDBOX_RATE_LIMIT", default=0, low=0, high=100_000)),
        photos=int(_number(environ, "SANDBOX_PHOTOS", default=6000, low=0, high=20_000)),
        interval=_number(environ, "SANDBOX_INTERVAL", default=90, low=1, high=86_400),
    )


def _number(
    environ: Mapping[str, str], name: str, *, default: float, low: float, high: float
) -> float:
    text = environ.get(name, "").strip()
    try:
        value = float(text) if text else default
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise BadKnobError(f"{name} is {text!r}; it must be a number from {low:g} to {high:g}.")
    return value

"""The settings of the sandbox: arguments in tests, environment variables in a process."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from photos.sandbox.replies import Reply

API_KEY = "sandbox-key"
"""The only key that the sandbox's REST API accepts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxConfig:
    seed: int = 1
    latency: float = 0.0
    """Seconds before a response, on average."""
    failure_rate: float = 0.0
    """Share of requests that get a temporary fault: 429, 502, HTML, or "not available"."""
    gone_rate: float = 0.0
    """Share of photos whose picture has been deleted."""
    hostile_rate: float = 0.03
    """Share of photos with a title and a description that try to break the page."""
    rate_limit: int = 0
    """Requests in one second before the sandbox responds 429; 0 is no limit."""
    photos: int = 6000
    interval: float = 90.0
    """Seconds between two new photos."""
    api_key: str = API_KEY
    new_photos_per_request: int = 0
    """New photos after each REST request, so that pages change while they are read."""
    broken_escapes: bool = False
    """Write the feed as before 2017, with invalid escapes and line breaks in strings."""
    first_replies: tuple[Reply | None, ...] = ()
    """Replies to the first requests, in order; None stands for the usual reply."""
    clock: Callable[[], float] = time.time


class BadSettingError(ValueError):
    """A SANDBOX_* environment variable has a value that is not allowed."""


def from_environment(environ: Mapping[str, str]) -> SandboxConfig:
    """By default with a latency, so that a developer can watch the progress of an import."""
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
        raise BadSettingError(f"{name} is {text!r}; it must be a number from {low:g} to {high:g}.")
    return value

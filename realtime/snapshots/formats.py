"""Formats: writes numbers and times for people.

static/realtime/shared/formats.js has the same functions for the browser.
"""

import math
import re
from datetime import UTC, datetime
from typing import Final

from django.utils import timezone

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR


def number(value: float) -> str:
    return f"{round(value, 2):,}"


def percent(fraction: float) -> str:
    return f"{math.floor(fraction * 100 + 1e-9)}%"


def share(fraction: float) -> str:
    """A percentage with one decimal, rounded down: 99.1%, and 100% only for 1."""
    tenths = math.floor(fraction * 1000 + 1e-9) / 10
    return f"{tenths:.0f}%" if tenths in {0, 100} else f"{tenths:.1f}%"


def plural(count: float, unit: str) -> str:
    if not unit or count == 1:
        return unit
    if re.search(r"(s|x|z|ch|sh)$", unit):
        return f"{unit}es"
    return re.sub(r"([^aeiou])y$", r"\1ie", unit) + "s"


def ordinal(value: int) -> str:
    teen = 11 <= value % 100 <= 13
    suffix = "th" if teen else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return f"{number(value)}{suffix}"


def duration(seconds: float) -> str:
    """At most two units: 2 h 5 min, 3 min 20 s, 12 s."""
    whole = max(0, _rounded(seconds))
    if whole < MINUTE:
        return f"{whole} s"
    if whole < HOUR:
        return _pair(whole, MINUTE, "min", 1, "s")
    if whole < DAY:
        return _pair(whole, HOUR, "h", MINUTE, "min")
    return _pair(whole, DAY, "d", HOUR, "h")


def about(seconds: float) -> str:
    """An estimate: in whole minutes from one minute on."""
    coarse = seconds if seconds < MINUTE else math.ceil(seconds / MINUTE) * MINUTE
    return f"about {duration(max(1, coarse))}"


def eta(seconds: float) -> str:
    return f"{about(seconds)} left"


def size(length: int) -> str:
    """A number of bytes: 999 bytes, 1.2 kB, 34 MB."""
    if length < 1000:
        return f"{length} {plural(length, 'byte')}"
    if length < 999_500:  # the next number is rounded to 1.0 MB
        return f"{_short(length / 1000)} kB"
    if length < 999_500_000:
        return f"{_short(length / 1000**2)} MB"
    return f"{_short(length / 1000**3)} GB"


def rate(per_second: float, unit: str) -> str:
    value, per = _readable(per_second)
    return f"{_short(value)} {plural(2, unit)}/{per}" if unit else f"{_short(value)}/{per}"


def relative(moment: float, now: float | None = None) -> str:
    """How long ago something happened. Never "in 5 s": the clocks of two servers may differ."""
    past = (timezone.now().timestamp() if now is None else now) - moment
    if past < 2:
        return "just now"
    if past >= 7 * DAY:
        day = _local(moment)
        return f"on {day.day} {day:%b %Y}"
    unit = next((unit for unit in (DAY, HOUR, MINUTE) if past >= unit), 1)
    return f"{duration(math.floor(past / unit) * unit)} ago"


def exact_time(moment: float) -> str:
    local = _local(moment)
    return f"{local.day} {local:%b %Y, %H:%M:%S %Z}"


def iso_time(moment: float) -> str:
    return f"{datetime.fromtimestamp(math.floor(moment), tz=UTC):%Y-%m-%dT%H:%M:%SZ}"


def _rounded(value: float) -> int:
    # Rounds halves up, as JavaScript does.
    return math.floor(value + 0.5)


def _short(value: float) -> str:
    """With one decimal if it is below ten."""
    return f"{_rounded(value * 10) / 10:.1f}" if value < 10 else number(_rounded(value))


def _pair(whole: int, large: int, large_name: str, small: int, small_name: str) -> str:
    head, rest = f"{whole // large} {large_name}", whole % large // small
    return f"{head} {rest} {small_name}" if rest else head


def _readable(per_second: float) -> tuple[float, str]:
    if per_second >= 1:
        return per_second, "s"
    if per_second * MINUTE >= 1:
        return per_second * MINUTE, "min"
    return per_second * HOUR, "h"


def _local(moment: float) -> datetime:
    return datetime.fromtimestamp(moment, tz=timezone.get_current_timezone())

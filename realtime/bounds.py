"""Bounds: shortens the parts of a job that a task may make as long as it likes.

Progress and snapshots call it. Nothing here raises an error: these values only show the work.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

OTHER: Final = "other"
"""The outcome under which all outcomes are counted that are too many to be shown."""

_encoder: Final = msgspec.json.Encoder()


def shorten(text: str, max_length: int) -> str:
    return text if len(text) <= max_length else text[: max(0, max_length - 1)] + "…"


def largest_counts(counts: Mapping[str, int], max_length: int) -> dict[str, int]:
    """The largest counts; the others are added up under `OTHER`."""
    if len(counts) <= max_length:
        return dict(counts)
    names = sorted(counts.keys() - {OTHER}, key=lambda name: (-counts[name], name))
    shown = {name: counts[name] for name in names[: max(0, max_length - 1)]}
    return shown | {OTHER: sum(counts.values()) - sum(shown.values())}


def nearest_phases(phases: Sequence[Sequence[str]], max_length: int) -> list[list[str]]:
    """The phases around the last one that has begun, as `[name, state]`."""
    begun = [place for place, (_, state) in enumerate(phases) if state != "waiting"]
    middle = begun[-1] if begun else 0
    start = max(0, min(middle - max_length // 2, len(phases) - max_length))
    return [list(phase) for phase in phases[start : start + max_length]]


def small_result(result: Any, max_bytes: int) -> Any:
    """The result, if its JSON is not larger; otherwise the first whole numbers in it, or None.

    Pages show the whole numbers of a result that is an object.
    """
    if result is None or _is_within(result, max_bytes):
        return result
    if not isinstance(result, dict):
        return None
    numbers: dict[str, int] = {}
    size = len("{}")
    for name, value in result.items():
        if type(value) is int and _is_within([name, value], max_bytes):
            size += len(_encoder.encode({name: value})) - 1  # one brace is a comma
            if size > max_bytes:
                break
            numbers[name] = value
    return numbers or None


def _is_within(plain: Any, max_bytes: int) -> bool:
    """Whether the JSON of `plain` has at most so many bytes; it looks at no more than necessary."""
    left, values = max_bytes, [plain]
    while values:
        value = values.pop()
        left -= len(value) + 2 if isinstance(value, str) else 1
        if left < 0:
            return False
        if isinstance(value, dict):
            if 2 * len(value) > left:
                return False
            values.extend(value)
            values.extend(value.values())
        elif isinstance(value, list):
            if len(value) > left:
                return False
            values.extend(value)
    try:
        return len(_encoder.encode(plain)) <= max_bytes
    except RecursionError:  # nested too deeply for this thread
        return False

"""Values: the numbers and texts that a body assigns to its progress, as a row can store them."""

from decimal import Decimal
from math import isfinite
from numbers import Real
from typing import Any, Final

COUNT_MAX: Final = 2**63 - 1
"""The largest number that the columns of counts can store."""


def as_total(value: Any) -> int | None:
    """A total as a rounded count; None if it is unknown: None, NaN, infinite or negative.

    Raises:
        TypeError: `value` is no number.
    """
    return None if value is None else _as_count(_checked(value, "`total`"))


def checked_done(value: Any) -> Any:
    """`value` if it is a number of units.

    Raises:
        TypeError: `value` is no number.
        ValueError: `value` is negative, infinite or NaN.
    """
    if _as_count(_checked(value, "`done`")) is None:
        raise ValueError(f"`done` must be a number from 0, not {value!r}.")
    return value


def as_count(number: Any) -> int:
    """A sum of units, none of which was negative or NaN, as a rounded count."""
    if type(number) is int and number <= COUNT_MAX:
        return number
    count = _as_count(number)
    return COUNT_MAX if count is None else count


def as_weight(value: Any, phase: str) -> float:
    """The weight of a phase.

    Raises:
        TypeError: `value` is no number.
        ValueError: `value` is not above 0, or not finite.
    """
    subject = f"The weight of the phase {phase!r}"
    weight = float(_checked(value, subject))
    if not (weight > 0 and isfinite(weight)):
        raise ValueError(f"{subject} must be above 0 and finite, not {value}.")
    return weight


def as_text(value: Any) -> str:
    """The text of any object; "" for None."""
    return "" if value is None else str(value)


def _checked(value: Any, subject: str) -> Any:
    if not isinstance(value, Real | Decimal):
        raise TypeError(f"{subject} must be a number, not {value!r}.")
    return value


def _as_count(number: Any) -> int | None:
    """None if the number is negative, infinite or NaN."""
    if isinstance(number, Decimal) and not number.is_finite():
        return None
    if not 0 <= number < float("inf"):
        return None
    count: int = round(number)
    return min(COUNT_MAX, count)

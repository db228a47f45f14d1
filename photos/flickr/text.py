"""Converts text and numbers of Flickr's JSON to values that the database can store."""

import re
import unicodedata
from typing import Any

# PostgreSQL refuses NUL, and the other control characters have no place in a title.
_CONTROLS = {code: " " for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc"}
_MARKUP_CONTROLS = {code: None for code in _CONTROLS if chr(code) not in "\n\t\r"}

NUMBER_MAX = 2**31 - 1
"""The largest number that a PositiveIntegerField stores on every database."""


def one_line(value: Any, *, max_length: int) -> str:
    """One line of plain text, cut to `max_length` characters; "" for a value of another type."""
    text = _encodable(value).translate(_CONTROLS)
    return " ".join(text.split())[:max_length].rstrip()


def markup(value: Any, *, max_length: int) -> str:
    """HTML of several lines, cut to `max_length` characters; it is not yet safe to show."""
    return _encodable(value).translate(_MARKUP_CONTROLS)[:max_length].strip()


def _encodable(value: Any) -> str:
    """Replace lone surrogates, which JSON allows and no database can encode."""
    text = value if isinstance(value, str) else ""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable_number(value: Any) -> int | None:
    """Like `whole_number`, but None for numbers that the database cannot store."""
    number = whole_number(value)
    return number if number is not None and 0 <= number <= NUMBER_MAX else None


def whole_number(value: Any) -> int | None:
    """The number that Flickr wrote as a number or as a string; None for all other values."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and abs(value) < 10**18 else None

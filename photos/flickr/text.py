"""Text and numbers from Flickr, made fit to keep."""

import re
import unicodedata
from typing import Any

# Control characters; of them PostgreSQL refuses NUL, and none has a place in a title.
_CONTROLS = {code: " " for code in range(0xA0) if unicodedata.category(chr(code)) == "Cc"}
_MARKUP_CONTROLS = {code: None for code in _CONTROLS if chr(code) not in "\n\t\r"}


def line(value: Any, *, longest: int) -> str:
    """One line of plain text, at most `longest` characters."""
    text = _storable(value).translate(_CONTROLS)
    return " ".join(text.split())[:longest].rstrip()


def markup(value: Any, *, longest: int) -> str:
    """HTML of several lines; still unsafe."""
    return _storable(value).translate(_MARKUP_CONTROLS)[:longest].strip()


def _storable(value: Any) -> str:
    """JSON may hold half of a surrogate pair, which no database encodes."""
    text = value if isinstance(value, str) else ""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


COUNT_MAX = 2**31 - 1
"""The largest number that a PositiveIntegerField holds on every database."""


def count(value: Any) -> int | None:
    """As `whole`, where the number is to be kept."""
    number = whole(value)
    return number if number is not None and 0 <= number <= COUNT_MAX else None


def whole(value: Any) -> int | None:
    """A number that Flickr wrote as a number or as a string."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and re.fullmatch(r"\d{1,18}", value, re.ASCII):
        return int(value)
    return value if isinstance(value, int) and abs(value) < 10**18 else None

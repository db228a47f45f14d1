"""Text that every database takes, and UTF-8: PostgreSQL has no NUL, and UTF-8 no lone surrogate.

Names of files bring lone surrogates (`os.listdir`), replies of other servers bring anything.
"""

import json
from typing import Any, Final

from kombu.exceptions import EncodeError
from kombu.utils.json import dumps

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def is_storable(text: str) -> bool:
    if "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= sign <= "\udfff" for sign in text)


def clean_text(text: object, most: int | None = None) -> str:
    """`text` with a replacement character for each sign that cannot be stored, cut at `most`.

    Of something else it is `str` that is stored, of None nothing.
    """
    if not isinstance(text, str):
        text = "" if text is None else str(text)
    if not is_storable(text):
        text = "".join(sign if is_storable(sign) else REPLACEMENT for sign in text)
    return text[:most]


def to_json_exact(value: Any) -> Any:
    """Plain JSON from which `kombu.utils.json.loads` makes the very same value: a date, a UUID, …

    Raises:
        EncodeError: there is none, or no database takes it.
    """
    text = dumps(value)
    plain = json.loads(text, parse_constant=_refuse)
    if _is_suspicious(text) and clean_json(plain) != plain:
        raise EncodeError("Text with a NUL or a lone surrogate cannot be stored.")
    return plain


def to_json_lossy(value: Any) -> Any:
    """Plain JSON that comes as close to `value` as can be stored: NaN is null, as in JavaScript.

    Raises:
        EncodeError, TypeError: there is none.
    """
    text = dumps(value)
    plain = json.loads(text, parse_constant=lambda _: None)
    return clean_json(plain) if _is_suspicious(text) else plain


def clean_json(plain: Any) -> Any:
    """Plain JSON with all its texts `storable`."""
    if isinstance(plain, str):
        return clean_text(plain)
    if isinstance(plain, list):
        return [clean_json(each) for each in plain]
    if isinstance(plain, dict):
        return {clean_text(key): clean_json(each) for key, each in plain.items()}
    return plain


def _is_suspicious(text: str) -> bool:
    """Whether JSON that is all ASCII may hold what cannot be stored."""
    return "\\u0000" in text or "\\ud" in text


def _refuse(constant: str) -> Any:
    raise EncodeError(f"{constant} cannot be stored: JSON has no such number.")

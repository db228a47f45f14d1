"""Serialization: text and JSON that every supported database can store.

PostgreSQL cannot store NUL, and UTF-8 cannot encode lone surrogates. Such text comes from file
names (`os.listdir` returns lone surrogates) and from the responses of other servers.
"""

import json
from typing import Any, Final

from kombu.exceptions import EncodeError
from kombu.utils.json import dumps

REPLACEMENT: Final = "\N{REPLACEMENT CHARACTER}"


def is_storable(text: str) -> bool:
    if "\0" in text:
        return False
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def clean_text(text: object, max_length: int | None = None) -> str:
    """Replace each character that cannot be stored by U+FFFD, and cut the text at `max_length`.

    None becomes "", and any other object its `str()`.
    """
    if not isinstance(text, str):
        text = "" if text is None else str(text)
    if not is_storable(text):
        text = "".join(character if is_storable(character) else REPLACEMENT for character in text)
    return text[:max_length]


def to_json_exact(value: Any) -> Any:
    """JSON from which `kombu.utils.json.loads` restores an equal value, also for dates and UUIDs.

    Raises:
        EncodeError: the value has no such JSON, or it cannot be stored.
    """
    text = dumps(value)
    plain = json.loads(text, parse_constant=_refuse)
    if _is_suspicious(text) and clean_json(plain) != plain:
        raise EncodeError(
            "The value contains text with NUL or a lone surrogate, which cannot be stored."
            " Remove these characters, or encode the text."
        )
    return plain


def to_json_lossy(value: Any) -> Any:
    """JSON that can be stored: NaN and Infinity become null, NUL becomes U+FFFD.

    Raises:
        EncodeError, TypeError: the value cannot be written as JSON at all.
    """
    text = dumps(value)
    plain = json.loads(text, parse_constant=lambda _: None)
    return clean_json(plain) if _is_suspicious(text) else plain


def clean_json(plain: Any) -> Any:
    """The same JSON with `clean_text` applied to each text."""
    if isinstance(plain, str):
        return clean_text(plain)
    if isinstance(plain, list):
        return [clean_json(item) for item in plain]
    if isinstance(plain, dict):
        return {clean_text(key): clean_json(item) for key, item in plain.items()}
    return plain


def _is_suspicious(text: str) -> bool:
    """Whether ASCII JSON may contain escapes of characters that cannot be stored."""
    return "\\u0000" in text or "\\ud" in text


def _refuse(constant: str) -> Any:
    raise EncodeError(f"{constant} cannot be stored: JSON has no such number. Pass None instead.")

"""Parsers: turn the text of an environment variable into a typed value.

`Environment` calls them. Each raises InvalidValue with a text that ends the sentence
"NAME is 'value': it must be ...".
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

import idna
from environ import Env


class InvalidValue(ValueError):
    pass


def strings(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def boolean(text: str) -> bool:
    if text.lower() in Env.BOOLEAN_TRUE_STRINGS:
        return True
    if text.lower() in {"false", "off", "n", "no", "0"}:
        return False
    raise InvalidValue("on or off")


def integer_between(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and minimum <= int(text[:20]) <= maximum):
            raise InvalidValue(f"a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def positive_number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise InvalidValue("a number above 0")
    return number


def one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise InvalidValue(f"one of {', '.join(choices)}")
        return text

    return parse


def directory(text: str) -> Path:
    return Path(text).expanduser().absolute()


def without_password(text: str) -> str:
    """`text`, with its password replaced if it is a URL that has one."""
    scheme, separator, rest = text.partition("://")
    login, at, host = rest.rpartition("@")
    user, colon, _ = login.partition(":")
    return f"{scheme}{separator}{user}:***@{host}" if at and colon else text


def url(schemes: Sequence[str]) -> Callable[[str], str]:
    starts = " or ".join(f"{scheme}://" for scheme in schemes)

    def parse(text: str) -> str:
        try:
            parts = urlsplit(text)
            _ = parts.port  # urlsplit checks that the port is a number only on this access
        except ValueError:
            raise InvalidValue(f"a URL that starts with {starts}") from None
        if parts.scheme not in schemes or not (parts.netloc or parts.path):
            raise InvalidValue(f"a URL that starts with {starts}")
        return text

    return parse


def origin(text: str) -> str:
    parts = urlsplit(url(["http", "https"])(text))
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise InvalidValue("an address such as https://photos.example.org, without a path")
    return _serialized(parts)


def origins(text: str) -> list[str]:
    return [origin(address) for address in strings(text)]


def _serialized(parts: SplitResult) -> str:
    """The origin as browsers write it, in lower case and without the default port of the scheme:
    origins are compared as strings."""
    host = _ascii_host(parts.hostname or "")
    host = f"[{host}]" if ":" in host else host
    default_port = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port and parts.port != default_port else ""
    return f"{parts.scheme}://{host}{port}"


def _ascii_host(host: str) -> str:
    if host.isascii():
        return host
    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except UnicodeError:  # IDNAError is one
        raise InvalidValue("an address whose host has an ASCII form (IDNA)") from None

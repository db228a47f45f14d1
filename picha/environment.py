"""Typed look-ups in the process environment.

A bad value is noted, not raised, and its default stands in for it; `check()` then names all
of them at once. People mend one environment, not one variable after the other.
"""

from collections.abc import Callable, Mapping, Sequence
from email.utils import parseaddr
from pathlib import Path
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from environ import Env

T = TypeVar("T")


class BadValue(ValueError):
    """Its text ends the sentence "NAME is 'value': it must be ..."."""


class Environment:
    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.names: set[str] = set()
        self.problems: list[str] = []

    def read(self, name: str, parse: Callable[[str], T], *, default: T) -> T:
        """An empty value counts as not set, so that `NAME= make run` means the default."""
        self.names.add(name)
        text = self._variables.get(name, "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except BadValue as wrong:
            self.refuse(f"{name} is {text!r}: it must be {wrong}.")
            return default

    def refuse(self, sentence: str) -> None:
        self.problems.append(sentence)

    def check(self) -> None:
        """End the process, whichever it is, with sentences and without a traceback."""
        if self.problems:
            raise SystemExit("\n".join(["Picha cannot start:", *(f"  {p}" for p in self.problems)]))

    def text(self, name: str, *, default: str) -> str:
        return self.read(name, str, default=default)

    def boolean(self, name: str, *, default: bool) -> bool:
        return self.read(name, _boolean, default=default)

    def integer(self, name: str, *, default: int, minimum: int, maximum: int) -> int:
        return self.read(name, _between(minimum, maximum), default=default)

    def number(self, name: str, *, default: float) -> float:
        """More than nothing: a pause or a timeout of 0 is a mistake."""
        return self.read(name, _positive, default=default)

    def choice(self, name: str, choices: Sequence[str], *, default: str) -> str:
        return self.read(name, _one_of(choices), default=default)

    def words(self, name: str, *, default: Sequence[str]) -> list[str]:
        return self.read(name, _words, default=list(default))

    def emails(self, name: str, *, default: Sequence[str]) -> list[str]:
        return self.read(
            name, lambda text: [_email(word) for word in _words(text)], default=list(default)
        )

    def mailbox(self, name: str, *, default: str) -> str:
        """`someone@example.org` or `Some One <someone@example.org>`."""
        return self.read(name, _mailbox, default=default)

    def url(self, name: str, *, default: str, schemes: Sequence[str]) -> str:
        return self.read(name, _url(schemes), default=default)

    def origin(self, name: str, *, default: str) -> str:
        return self.read(name, _origin, default=default)

    def origins(self, name: str, *, default: Sequence[str]) -> list[str]:
        return self.read(
            name, lambda text: [_origin(word) for word in _words(text)], default=list(default)
        )

    def directory(self, name: str, *, default: Path) -> Path:
        return self.read(name, lambda text: Path(text).expanduser().absolute(), default=default)


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _boolean(text: str) -> bool:
    if text.lower() in Env.BOOLEAN_TRUE_STRINGS:
        return True
    if text.lower() in {"false", "off", "n", "no", "0"}:
        return False
    raise BadValue("on or off")


def _between(minimum: int, maximum: int) -> Callable[[str], int]:
    def parse(text: str) -> int:
        if not (text.isascii() and text.isdigit() and minimum <= int(text[:20]) <= maximum):
            raise BadValue(f"a whole number from {minimum} to {maximum}")
        return int(text)

    return parse


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise BadValue("a number above 0")
    return number


def _one_of(choices: Sequence[str]) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text not in choices:
            raise BadValue(f"one of {', '.join(choices)}")
        return text

    return parse


def _email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        raise BadValue("an email address, or several with commas between them") from None
    return text


def _mailbox(text: str) -> str:
    _email(parseaddr(text)[1])
    return text


def _url(schemes: Sequence[str]) -> Callable[[str], str]:
    wrong = BadValue(f"a URL that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}")

    def parse(text: str) -> str:
        try:
            parts = urlsplit(text)
            _ = parts.port  # a port that is no number is found out only when asked for
        except ValueError:
            raise wrong from None
        if parts.scheme not in schemes or not (parts.netloc or parts.path):
            raise wrong
        return text

    return parse


def _origin(text: str) -> str:
    parts = urlsplit(_url(["http", "https"])(text))
    if not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        raise BadValue("an address such as https://photos.example.org, without a path")
    return _as_browsers_write_it(parts)


def _as_browsers_write_it(parts: SplitResult) -> str:
    """In small letters and without the scheme's own port: origins are compared as texts."""
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    own_port = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port and parts.port != own_port else ""
    return f"{parts.scheme}://{host}{port}"

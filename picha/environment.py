"""Environment: typed look-ups in the environment variables of the process.

The settings and `make run` read it. An invalid value is recorded and its default is used instead;
`check()` then reports all invalid values at once, so that a person can correct them in one go.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar, cast, get_type_hints

from picha import parse, parse_mail
from picha.parse import InvalidValue
from picha.parse_mail import MailServer

T = TypeVar("T")


class Environment:
    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.names: set[str] = set()
        self.problems: list[str] = []

    def read(self, name: str, parser: Callable[[str], T], *, default: T) -> T:
        """The parsed value; an empty one counts as not set, so `NAME= make run` is the default."""
        self.names.add(name)
        text = self._variables.get(name, "").strip()
        if not text:
            return default
        try:
            return parser(text)
        except InvalidValue as error:
            shown = parse.without_password(text)
            self.add_problem(f"{name} is {shown!r}: it must be {error}.")
            return default

    def add_problem(self, sentence: str) -> None:
        self.problems.append(sentence)

    def check(self) -> None:
        """End the process with one sentence for each problem, without a traceback."""
        if self.problems:
            heading = "Picha cannot start. Correct these settings and start it again:"
            raise SystemExit("\n".join([heading, *(f"  {problem}" for problem in self.problems)]))

    def text(self, name: str, *, default: str) -> str:
        return self.read(name, str, default=default)

    def boolean(self, name: str, *, default: bool) -> bool:
        return self.read(name, parse.boolean, default=default)

    def integer(self, name: str, *, default: int, minimum: int, maximum: int) -> int:
        return self.read(name, parse.integer_between(minimum, maximum), default=default)

    def positive_number(self, name: str, *, default: float) -> float:
        """Never 0: a pause or a timeout of 0 is a mistake."""
        return self.read(name, parse.positive_number, default=default)

    def choice(self, name: str, choices: Sequence[str], *, default: str) -> str:
        return self.read(name, parse.one_of(choices), default=default)

    def strings(self, name: str, *, default: Sequence[str]) -> list[str]:
        """The values of a comma-separated list."""
        return self.read(name, parse.strings, default=list(default))

    def emails(self, name: str, *, default: Sequence[str]) -> list[str]:
        return self.read(name, parse_mail.emails, default=list(default))

    def mailbox(self, name: str, *, default: str) -> str:
        """`someone@example.org` or `Some One <someone@example.org>`."""
        return self.read(name, parse_mail.mailbox, default=default)

    def email(self, name: str, *, default: str) -> MailServer:
        """The mail server that a URL names."""
        return self.read(name, parse_mail.mail_server, default=parse_mail.mail_server(default))

    def mail_client_name(self, name: str, *, default: str) -> str:
        """The name with which the site introduces itself to a mail server."""
        return self.read(name, parse_mail.mail_client_name, default=default)

    def url(self, name: str, *, default: str, schemes: Sequence[str]) -> str:
        return self.read(name, parse.url(schemes), default=default)

    def origin(self, name: str, *, default: str) -> str:
        return self.read(name, parse.origin, default=default)

    def origins(self, name: str, *, default: Sequence[str]) -> list[str]:
        return self.read(name, parse.origins, default=list(default))

    def directory(self, name: str, *, default: Path) -> Path:
        return self.read(name, parse.directory, default=default)

    def app_settings(self, prefix: str, conf: type[T]) -> T:
        """All settings that an app declares, under the names and with the defaults of `conf`."""
        values = {
            name: self._app_setting(prefix + name, kind, default=getattr(conf, name))
            for name, kind in get_type_hints(conf).items()
        }
        # A real instance of `conf` reads Django's settings, which are still being loaded.
        return cast("T", SimpleNamespace(**values))

    def _app_setting(self, name: str, kind: type, *, default: int | float) -> bool | int | float:
        if kind is bool:
            return self.boolean(name, default=bool(default))
        if kind is int:
            whole = int(default)
            return self.integer(name, default=whole, minimum=min(1, whole), maximum=2**31)
        return self.positive_number(name, default=default)

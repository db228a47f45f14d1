"""Parsers: turn the text of an environment variable into a typed value.

`Environment` calls them. Each raises InvalidValue with a text that ends the sentence
"NAME is 'value': it must be ...".
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import DomainNameValidator
from environ import Env

from feedback.addresses import NotAnAddress, UnsupportedAddress, canonical_address

NAME_MAX: Final = 100
"""Characters in the name of a sender: the line of a header has at most 998 octets."""


class InvalidValue(ValueError):
    pass


@dataclass(frozen=True, kw_only=True)
class MailServer:
    """How Django sends mail: the values of the `EMAIL_*` settings."""

    backend: str
    host: str
    port: int
    """0 is the default port of the protocol."""
    user: str
    password: str
    use_tls: bool
    use_ssl: bool
    file_path: str
    """The folder that the file backend writes to."""


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


def email(text: str) -> str:
    """The canonical address."""
    try:
        return canonical_address(text)
    except UnsupportedAddress:
        raise InvalidValue("an email address with ASCII characters before the @") from None
    except NotAnAddress:
        raise InvalidValue("an email address, or several separated by commas") from None


def emails(text: str) -> list[str]:
    """The canonical addresses, each once, also if it is given twice in different spellings."""
    addresses: dict[str, str] = {}
    for address in map(email, strings(text) or [""]):
        addresses.setdefault(address.lower(), address)
    return list(addresses.values())


def mailbox(text: str) -> str:
    name, address = parseaddr(text)
    address = email(address)
    if len(name) > NAME_MAX or not name.isprintable():
        raise InvalidValue(f"an address whose name has at most {NAME_MAX} printable characters")
    if name.isascii():
        return formataddr((name, address))
    # `formataddr` would encode the name, in one word of any length; Django encodes it in several.
    escaped = name.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}" <{address}>'


def mail_server(text: str) -> MailServer:
    try:
        config = Env.email_url_config(text)
    except (ImproperlyConfigured, ValueError, KeyError):
        raise InvalidValue("a URL such as smtp+tls://user:password@mail.example.org:587") from None
    server = MailServer(
        backend=config["EMAIL_BACKEND"],
        host=config["EMAIL_HOST"] or "",
        port=config["EMAIL_PORT"] or 0,
        user=config["EMAIL_HOST_USER"] or "",
        password=config["EMAIL_HOST_PASSWORD"] or "",
        use_tls=bool(config.get("EMAIL_USE_TLS")),
        use_ssl=bool(config.get("EMAIL_USE_SSL")),
        file_path=config["EMAIL_FILE_PATH"],
    )
    if server.backend.endswith(".smtp.EmailBackend"):
        _check_smtp(server)
    return server


def _check_smtp(server: MailServer) -> None:
    """Refuse what can never work; smtplib finds it only when the first email is sent."""
    try:
        server.host.encode("idna")
    except UnicodeError:
        is_host = False
    else:
        is_host = bool(server.host)
    if not is_host:
        raise InvalidValue("a URL with the host of a mail server")
    login = server.user + server.password
    if not login.isascii() or (login and not login.isprintable()):
        raise InvalidValue("a URL with a user and a password of ASCII characters, as SMTP needs")
    if bool(server.user) is not bool(server.password):
        raise InvalidValue("a URL with both a user and a password, or with neither")


def mail_client_name(text: str) -> str:
    """A domain or an IP address in brackets (RFC 5321 4.1.3)."""
    try:
        if text.startswith("[") and text.endswith("]"):
            ip_address(text[1:-1].removeprefix("IPv6:"))
        else:
            DomainNameValidator(accept_idna=False)(text)
    except (ValueError, ValidationError):
        raise InvalidValue("a domain such as www.example.org, or an IP as [192.0.2.1]") from None
    return text


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
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    default_port = {"http": 80, "https": 443}[parts.scheme]
    port = f":{parts.port}" if parts.port and parts.port != default_port else ""
    return f"{parts.scheme}://{host}{port}"

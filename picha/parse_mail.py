"""Parsers of the settings of mail: addresses and the mail server. See `picha.parse`."""

from dataclasses import dataclass
from email.utils import formataddr, parseaddr
from ipaddress import ip_address
from typing import Final

from django.core.exceptions import ImproperlyConfigured, ValidationError
from django.core.validators import DomainNameValidator
from environ import Env

from feedback.addresses import NotAnAddress, UnsupportedAddress, canonical_address
from picha import parse
from picha.parse import InvalidValue

NAME_MAX: Final = 100
"""Characters in the name of a sender: the line of a header has at most 998 octets."""


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
    for address in map(email, parse.strings(text) or [""]):
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

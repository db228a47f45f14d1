"""Addresses: the one form in which the site checks, stores, counts and writes to an address.

The feedback form and the site's settings call it for every address that a person types.
"""

from contextlib import suppress
from typing import Final

import idna
from django.core.exceptions import ValidationError
from django.core.mail.message import sanitize_address
from django.core.validators import validate_email

MAX_LENGTH: Final = 254
"""RFC 5321 4.5.3.1.3: a path has 256 octets, its brackets included."""


class NotAnAddress(ValueError):
    """The text is no address that this site accepts."""


class UnsupportedAddress(ValueError):
    """The text is an address, but not one that this site can write to."""


def canonical_address(text: str) -> str:
    """`text` with its domain in lower case and in ASCII (IDNA); its local part does not change.

    All spellings of a domain give the same address, and Django sends the email to exactly this
    address.

    Raises:
        NotAnAddress: `text` is no address, or mail would go to another one.
        UnsupportedAddress: its local part is not ASCII (RFC 6531).
    """
    if len(text) > MAX_LENGTH:
        raise NotAnAddress(f"an address has at most {MAX_LENGTH} characters")
    local, _, domain = text.rpartition("@")
    address = f"{local}@{_ascii_domain(domain)}"
    if not local.isascii() and local.isprintable():
        _check(f"{_replace_non_ascii(local)}@{_ascii_domain(domain)}")
        raise UnsupportedAddress("its local part is not ASCII")
    _check(address)
    return address


def _ascii_domain(domain: str) -> str:
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode("ascii").lower()
    except UnicodeError as error:  # IDNAError is one
        raise NotAnAddress("its domain has no ASCII form") from error


def _check(address: str) -> None:
    """Accept only addresses that every mail server accepts and that are safe in a header.

    Django's check also accepts quoted local parts, even with control characters, IP addresses
    and "localhost", which may be machines of this network. And it accepts encoded words: Python
    decodes them, so the email would go to another address.
    """
    if len(address) > MAX_LENGTH or set(address) & set('"[]') or address.endswith("@localhost"):
        raise NotAnAddress("this kind of address is not allowed")
    if "=?" in address:
        raise NotAnAddress("an encoded word is not allowed")
    with suppress(ValidationError):
        validate_email(address)
        if _as_sent(address) == address:
            return
    raise NotAnAddress("it cannot be read as an address")


def _as_sent(address: str) -> str | None:
    """The address that Django writes to; None if it cannot be parsed."""
    try:
        return sanitize_address(address, "utf-8")
    # Python's parser of addresses also raises IndexError, AttributeError and others.
    except Exception:  # noqa: BLE001
        return None


def _replace_non_ascii(text: str) -> str:
    return "".join(character if character.isascii() else "x" for character in text)

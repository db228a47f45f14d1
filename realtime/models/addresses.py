"""Addresses in rows of jobs: which of them a page may load a picture from or link to.

They may contain text from elsewhere, such as `javascript:` or the address of another site, whose
pictures would tell that site who watches the job.
"""

from django.conf import settings


def is_own_address(address: str) -> bool:
    """Whether `address` is a path of this site, or is below `MEDIA_URL` or `STATIC_URL`.

    Browsers read a backslash as a slash and leave out tabs and line breaks, so that a path with
    these may be the address of another host.
    """
    if not address.isprintable() or "\\" in address or address.startswith("//"):
        return False
    return address.startswith("/") or is_below(address, settings.MEDIA_URL, settings.STATIC_URL)


def is_below(address: str, *hosts: str) -> bool:
    """Whether `address` begins with one of the URLs of other hosts, which end with a slash."""
    return any(address.startswith(host) for host in hosts if host.startswith(("https:", "http:")))


def checked_link(address: str) -> str:
    """`address`, which a page may link to; it may be empty.

    Raises:
        ValueError: it is neither a path of this site nor an HTTP address.
    """
    if not address or is_link(address):
        return address
    raise ValueError(
        f"The address of a link is {address!r}: it must begin with /, http:// or https://, without "
        "spaces, backslashes and control characters."
    )


def is_link(address: str) -> bool:
    """Whether a page may link to `address`."""
    if is_own_address(address):
        return True
    is_http = address.startswith(("https://", "http://"))
    return is_http and address.isprintable() and not {" ", "\\"} & set(address)

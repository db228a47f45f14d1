"""Which addresses pictures may be fetched from."""

import ipaddress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from photos.flickr.errors import PictureRefusedError

NOT_ALLOWED = "Its picture is at an address that this site does not fetch from."


def current(address: str) -> str:
    """Old entries name hosts such as farm5, and http; one host serves them all today."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:  # "http://[" for one
        return address
    if host == "staticflickr.com" or host.endswith(".staticflickr.com"):
        return f"https://live.staticflickr.com{parts.path}"
    return address


@dataclass(frozen=True, slots=True)
class ImageHosts:
    """The allow-list: "host" is a public server spoken to by https; "host:port" is exactly that
    server, named on purpose, so it may be private and may speak http."""

    allowed: tuple[str, ...]

    def check(self, address: str) -> None:
        """Refuse an address that is not on the list."""
        try:
            parts = urlsplit(address)
            host, port, scheme = parts.hostname or "", parts.port, parts.scheme
        except ValueError:
            raise PictureRefusedError(NOT_ALLOWED) from None
        by_name = scheme == "https" and port in (None, 443) and host in self.allowed
        if parts.username is not None or parts.password is not None:
            raise PictureRefusedError(NOT_ALLOWED)
        if not (by_name or (scheme in ("http", "https") and self._named_with_port(host, port))):
            raise PictureRefusedError(NOT_ALLOWED)

    def check_peer(self, address: str, peer: Any) -> None:
        """Refuse a server at a private address, whatever its name; its name may have been bent."""
        parts = urlsplit(address)
        if self._named_with_port(parts.hostname or "", parts.port) or peer is None:
            return
        if not ipaddress.ip_address(str(peer[0]).split("%")[0]).is_global:
            raise PictureRefusedError(NOT_ALLOWED)

    def _named_with_port(self, host: str, port: int | None) -> bool:
        shown = f"[{host}]" if ":" in host else host
        return port is not None and f"{shown}:{port}" in self.allowed

"""ImageHosts: the hosts from which pictures may be downloaded.

The URLs of pictures come from outside. Without this check they could make the site send requests
to servers of its own network (server-side request forgery).
"""

import ipaddress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from photos.flickr.errors import PictureRefusedError

NOT_ALLOWED = "The picture is at an address from which this site does not download."


def current_url(url: str) -> str:
    """Replace an old host such as farm5.staticflickr.com, and http, by those of today."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:  # for example "http://["
        return url
    if host == "staticflickr.com" or host.endswith(".staticflickr.com"):
        return f"https://live.staticflickr.com{parts.path}"
    return url


@dataclass(frozen=True, slots=True)
class ImageHosts:
    allowed: tuple[str, ...]
    """"host" allows https to that host, which must be public. "host:port" allows exactly that
    server: an operator has named it, so it may be private and may use http."""

    def check(self, url: str) -> None:
        """Raise `PictureRefusedError` if the URL is not allowed."""
        try:
            parts = urlsplit(url)
            host, port, scheme = parts.hostname or "", parts.port, parts.scheme
        except ValueError:
            raise PictureRefusedError(NOT_ALLOWED) from None
        is_public_host = scheme == "https" and port in (None, 443) and host in self.allowed
        is_named_server = scheme in ("http", "https") and self._is_named_server(host, port)
        has_login = parts.username is not None or parts.password is not None
        if has_login or not (is_public_host or is_named_server):
            raise PictureRefusedError(NOT_ALLOWED)

    def check_peer(self, url: str, peer: Any) -> None:
        """Raise `PictureRefusedError` if a public host name leads to a private IP address.

        Somebody may have changed the DNS record of the host to an address of this network.
        """
        parts = urlsplit(url)
        if self._is_named_server(parts.hostname or "", parts.port) or peer is None:
            return
        if not ipaddress.ip_address(str(peer[0]).split("%")[0]).is_global:
            raise PictureRefusedError(NOT_ALLOWED)

    def _is_named_server(self, host: str, port: int | None) -> bool:
        host = f"[{host}]" if ":" in host else host
        return port is not None and f"{host}:{port}" in self.allowed

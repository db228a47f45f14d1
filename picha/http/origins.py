"""Origins: where the site is, and which pages may open a WebSocket to it.

Channels' `AllowedHostsOriginValidator` compares only hosts: it accepts any scheme and port, and
everything with ALLOWED_HOSTS=*. It also takes a subscription in Redis to reject a connection. So
full origins are compared here, and a rejected connection costs nothing.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
POLICY_VIOLATION = 1008


def is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}
    except ValueError:  # a Host header may contain anything
        return False


def default_hosts(site_url: str) -> list[str]:
    return list(LOOPBACK_HOSTS) if is_loopback(site_url) else [urlsplit(site_url).hostname or ""]


def allowed_origins(site_url: str, trusted: Iterable[str]) -> tuple[str, ...]:
    """The origin of the site, with each loopback host if it has one, and the trusted origins."""
    own = [site_url]
    if is_loopback(site_url):
        parts = urlsplit(site_url)
        port = f":{parts.port}" if parts.port else ""
        own += [f"{parts.scheme}://{host}{port}" for host in LOOPBACK_HOSTS]
    return tuple(dict.fromkeys([*own, *trusted]))


class OriginCheck:
    """ASGI middleware that rejects a WebSocket from a page of another origin."""

    def __init__(self, application: Application, *, allowed: Collection[str]) -> None:
        self._application = application
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if len(origins) == 1 and origins[0] in self._allowed:
            await self._application(scope, receive, send)
        else:
            await reject_socket(scope, receive, send)


async def reject_socket(scope: Scope, receive: Receive, send: Send) -> None:
    """An ASGI application that opens no WebSocket."""
    await receive()
    await send({"type": "websocket.close", "code": POLICY_VIOLATION})


class SiteUrlMiddleware:
    """ASGI middleware that sets the root path and the scheme, whatever the request says.

    daphne reads the path at which a site is mounted from the header Daphne-Root-Path, which
    anybody can send, and Django answers 500 when a path does not begin with it. A proxy that ends
    TLS sends plain HTTP, and anybody can send X-Forwarded-Proto too.
    """

    def __init__(self, application: Callable[..., Awaitable[None]], *, scheme: str) -> None:
        self._application = application
        self._overrides = {"root_path": "", "scheme": scheme}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application({**scope, **self._overrides}, receive, send)

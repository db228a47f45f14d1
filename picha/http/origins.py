"""Where the site is, and which pages may open a socket to it.

Channels' `AllowedHostsOriginValidator` compares hosts alone, lets any scheme and port through and
everything with ALLOWED_HOSTS=*; and its way of refusing takes a subscription in Redis for every
stranger. So full origins are compared here, and strangers cost nothing.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
POLICY_VIOLATION = 1008


def is_loopback(url: str) -> bool:
    try:
        return urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}
    except ValueError:  # what a Host header says may be anything
        return False


def allowed_origins(site_url: str, trusted: Iterable[str]) -> tuple[str, ...]:
    """The site's own origin, under each of its names on this machine, and those named beside it."""
    own = [site_url]
    if is_loopback(site_url):
        parts = urlsplit(site_url)
        port = f":{parts.port}" if parts.port else ""
        own += [f"{parts.scheme}://{host}{port}" for host in LOOPBACK]
    return tuple(dict.fromkeys([*own, *trusted]))


class OriginCheck:
    def __init__(self, application: Application, *, allowed: Collection[str]) -> None:
        self._application = application
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        origins = [value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"]
        if len(origins) == 1 and origins[0] in self._allowed:
            await self._application(scope, receive, send)
        else:
            await refuse(scope, receive, send)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """No socket is opened here."""
    await receive()
    await send({"type": "websocket.close", "code": POLICY_VIOLATION})


class AtSiteUrl:
    """The site is at the root of its host, under one scheme, whatever a request says.

    daphne takes the path under which a site is mounted from the header Daphne-Root-Path, which
    anybody can send, and Django answers 500 to an address that does not begin with it. A proxy that
    ends TLS asks by plain HTTP, and its X-Forwarded-Proto anybody can send too.
    """

    def __init__(self, application: Callable[..., Awaitable[None]], *, scheme: str) -> None:
        self._application = application
        self._place = {"root_path": "", "scheme": scheme}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._application({**scope, **self._place}, receive, send)

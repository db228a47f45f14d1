"""Which address a connection comes from, for limits by address."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

from realtime.conf import conf

UNKNOWN_ADDRESS: Final = "unknown"


def client_address(scope: Mapping[str, Any]) -> str:
    """The client's address: that of the socket, or what the trusted proxies have noted.

    `REALTIME_TRUSTED_PROXIES` hops are counted from the right of X-Forwarded-For; what stands
    left of them the client may have made up. An IPv6 client has a whole /64 to itself.
    """
    noted = list(_forwarded(scope.get("headers", ())))
    hops = conf.TRUSTED_PROXIES
    if hops:
        return network_of(noted[-hops]) if len(noted) >= hops else UNKNOWN_ADDRESS
    client = scope.get("client")
    return network_of(client[0]) if client else UNKNOWN_ADDRESS


def network_of(text: str) -> str:
    try:
        address = ip_address(text.strip())
    except ValueError:
        return UNKNOWN_ADDRESS
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped:
            return str(address.ipv4_mapped)
        return str(ip_network((address, 64), strict=False))
    return str(address)


def _forwarded(headers: Iterable[tuple[bytes, bytes]]) -> Iterable[str]:
    for name, value in headers:
        if name.lower() == b"x-forwarded-for":
            yield from value.decode("latin-1").split(",")

"""The address of a client, by which connections are counted and limited."""

from collections.abc import Iterable, Mapping
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, Final

from realtime.conf import conf

UNKNOWN_ADDRESS: Final = "unknown"


def client_address(scope: Mapping[str, Any]) -> str:
    """The address of the TCP connection, or the one that the trusted proxies have recorded.

    `REALTIME_TRUSTED_PROXIES` entries are counted from the right of X-Forwarded-For; a client can
    invent the entries left of them. An IPv6 client counts as its /64 network.
    """
    forwarded = list(_forwarded(scope.get("headers", ())))
    proxies = conf.TRUSTED_PROXIES
    if proxies:
        return network_of(forwarded[-proxies]) if len(forwarded) >= proxies else UNKNOWN_ADDRESS
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

from typing import Any

import pytest
from pytest_django import Settings

from realtime.addresses import UNKNOWN, address_of


def scope(client: str | None = "192.0.2.1", *forwarded: str) -> dict[str, Any]:
    headers = [(b"X-Forwarded-For", value.encode()) for value in forwarded]
    return {"client": [client, 1] if client else None, "headers": headers}


def test_without_proxies_it_is_the_sockets() -> None:
    assert address_of(scope("192.0.2.1", "198.51.100.7")) == "192.0.2.1"


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (1, ["203.0.113.9"], "203.0.113.9"),
        (1, ["made-up, 203.0.113.9"], "203.0.113.9"),
        (2, ["made-up, 203.0.113.9, 10.0.0.1"], "203.0.113.9"),
        (2, ["made-up, 203.0.113.9", "10.0.0.1"], "203.0.113.9"),
        (2, ["10.0.0.1"], UNKNOWN),
        (1, ["rubbish"], UNKNOWN),
        (1, [], UNKNOWN),
    ],
)
def test_trusted_hops_are_counted_from_the_right(
    settings: Settings, hops: int, forwarded: list[str], address: str
) -> None:
    settings.REALTIME_TRUSTED_PROXIES = hops
    assert address_of(scope("10.0.0.2", *forwarded)) == address


@pytest.mark.parametrize(
    ("client", "address"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        (None, UNKNOWN),
    ],
)
def test_an_ipv6_client_is_its_network(client: str | None, address: str) -> None:
    assert address_of(scope(client)) == address

from typing import Any

import pytest
from pytest_django import Settings

from realtime.live.client_address import UNKNOWN_ADDRESS, client_address


def scope(client: str | None = "192.0.2.1", *forwarded: str) -> dict[str, Any]:
    headers = [(b"X-Forwarded-For", value.encode()) for value in forwarded]
    return {"client": [client, 1] if client else None, "headers": headers}


def test_without_proxies_it_is_the_address_of_the_connection() -> None:
    assert client_address(scope("192.0.2.1", "198.51.100.7")) == "192.0.2.1"


@pytest.mark.parametrize(
    ("hops", "forwarded", "address"),
    [
        (1, ["203.0.113.9"], "203.0.113.9"),
        (1, ["made-up, 203.0.113.9"], "203.0.113.9"),
        (2, ["made-up, 203.0.113.9, 10.0.0.1"], "203.0.113.9"),
        (2, ["made-up, 203.0.113.9", "10.0.0.1"], "203.0.113.9"),
        (2, ["10.0.0.1"], UNKNOWN_ADDRESS),
        (1, ["rubbish"], UNKNOWN_ADDRESS),
        (1, [], UNKNOWN_ADDRESS),
    ],
)
def test_trusted_hops_are_counted_from_the_right(
    settings: Settings, hops: int, forwarded: list[str], address: str
) -> None:
    settings.REALTIME_TRUSTED_PROXIES = hops
    assert client_address(scope("10.0.0.2", *forwarded)) == address


@pytest.mark.parametrize(
    ("client", "address"),
    [
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        (None, UNKNOWN_ADDRESS),
    ],
)
def test_an_ipv6_client_is_its_network(client: str | None, address: str) -> None:
    assert client_address(scope(client)) == address

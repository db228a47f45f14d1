from collections.abc import MutableMapping
from typing import Any

import pytest
from django.conf import settings

from picha.asgi import application
from picha.http.origins import (
    OriginCheck,
    Receive,
    Scope,
    Send,
    SiteUrlMiddleware,
    allowed_origins,
    default_hosts,
)


def test_a_site_on_this_machine_has_three_origins() -> None:
    assert allowed_origins("http://127.0.0.1:9000", []) == (
        "http://127.0.0.1:9000",
        "http://localhost:9000",
        "http://[::1]:9000",
    )


def test_any_other_site_has_its_own_origin_and_the_trusted_ones() -> None:
    trusted = ["https://www.photos.example"]

    assert allowed_origins("https://photos.example", trusted) == (
        "https://photos.example",
        "https://www.photos.example",
    )


def test_the_default_hosts_are_those_of_the_site() -> None:
    assert default_hosts("http://localhost:8000") == ["127.0.0.1", "localhost", "[::1]"]
    assert default_hosts("https://photos.example") == ["photos.example"]


async def first_message(*origins: str) -> str:
    """The type of the first message to a WebSocket whose request has these Origin headers."""
    types: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        types.append(message["type"])

    check = OriginCheck(application, allowed=settings.ALLOWED_ORIGINS)
    headers = [(b"origin", origin.encode()) for origin in origins]
    await check({"type": "websocket", "headers": headers}, receive, send)
    return types[0]


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"],
)
async def test_a_page_of_the_site_may_open_a_socket(origin: str) -> None:
    assert await first_message(origin) == "websocket.accept"


@pytest.mark.parametrize(
    "origin",
    [
        "https://127.0.0.1:8000",  # another scheme
        "http://127.0.0.1:8001",  # another port
        "http://127.0.0.1",
        "http://evil.example:8000",
        "http://127.0.0.1.evil.example:8000",
        "null",
        "",
        "\xff",
    ],
)
async def test_a_page_of_another_origin_may_not(origin: str) -> None:
    assert await first_message(origin) == "websocket.close"


async def test_a_request_without_exactly_one_origin_is_rejected() -> None:
    assert await first_message() == "websocket.close"
    assert await first_message(*["http://127.0.0.1:8000"] * 2) == "websocket.close"


def test_the_sockets_of_the_site_are_behind_the_check() -> None:
    assert isinstance(application.application_mapping["websocket"], OriginCheck)


@pytest.mark.parametrize("scope", [{"root_path": "/evil", "scheme": "http"}, {}])
async def test_the_root_path_and_the_scheme_are_those_of_the_site(scope: dict[str, Any]) -> None:
    scopes: list[Scope] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        scopes.append(scope)

    async def unused(*_: Any) -> Any: ...

    await SiteUrlMiddleware(application, scheme="https")(scope, unused, unused)
    assert scopes == [{"root_path": "", "scheme": "https"}]


def test_the_pages_of_the_site_are_behind_the_middleware() -> None:
    assert isinstance(application.application_mapping["http"], SiteUrlMiddleware)

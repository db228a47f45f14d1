from collections.abc import MutableMapping
from typing import Any

import pytest
from django.conf import settings

from picha.asgi import application
from picha.http.origins import AtSiteUrl, OriginCheck, Receive, Scope, Send, allowed_origins


def test_this_machine_has_three_names() -> None:
    assert allowed_origins("http://127.0.0.1:9000", []) == (
        "http://127.0.0.1:9000",
        "http://localhost:9000",
        "http://[::1]:9000",
    )


def test_elsewhere_a_site_has_the_names_it_is_given() -> None:
    trusted = ["https://www.photos.example"]

    assert allowed_origins("https://photos.example", trusted) == (
        "https://photos.example",
        "https://www.photos.example",
    )


async def answer(*origins: str) -> str:
    """What a socket that comes from a page of `origins` is told first."""
    told: list[str] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "websocket.accept"})

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        told.append(message["type"])

    check = OriginCheck(application, allowed=settings.ALLOWED_ORIGINS)
    headers = [(b"origin", origin.encode()) for origin in origins]
    await check({"type": "websocket", "headers": headers}, receive, send)
    return told[0]


@pytest.mark.parametrize(
    "origin",
    ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"],
)
async def test_an_own_page_may_open_a_socket(origin: str) -> None:
    assert await answer(origin) == "websocket.accept"


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
    assert await answer(origin) == "websocket.close"


async def test_no_origin_and_two_origins_are_refused() -> None:
    assert await answer() == "websocket.close"
    assert await answer("http://127.0.0.1:8000", "http://127.0.0.1:8000") == "websocket.close"


def test_the_sites_sockets_are_behind_the_check() -> None:
    assert isinstance(application.application_mapping["websocket"], OriginCheck)


@pytest.mark.parametrize("scope", [{"root_path": "/evil", "scheme": "http"}, {}])
async def test_the_site_is_at_the_root_under_its_scheme(scope: dict[str, Any]) -> None:
    seen: list[Scope] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    async def nothing(*_: Any) -> Any: ...

    await AtSiteUrl(application, scheme="https")(scope, nothing, nothing)
    assert seen == [{"root_path": "", "scheme": "https"}]


def test_all_of_the_site_is() -> None:
    assert isinstance(application.application_mapping["http"], AtSiteUrl)

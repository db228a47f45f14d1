import asyncio
import gzip
import logging
import traceback
from collections.abc import AsyncIterator, Callable

import httpx
import pytest

from photos.flickr.errors import (
    FlickrError,
    ServerFaultError,
    SlowDownError,
    TooLargeError,
    UnreachableError,
    UnreadableError,
)
from photos.flickr.http_client import HttpClient
from photos.tests.in_memory_flickr import SITE, flickr_config

SECRET_KEY = "k3y-that-nobody-may-see"

Handler = Callable[[httpx.Request], httpx.Response]


def client(handler: Handler, *, deadline: float = 60.0) -> HttpClient:
    return HttpClient(flickr_config(deadline=deadline), transport=httpx.MockTransport(handler))


def answering(status: int, content: bytes = b"", **headers: str) -> Handler:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: unread(status, content, headers=named)


def unread(
    status: int, content: bytes = b"", headers: dict[str, str] | None = None
) -> httpx.Response:
    """As it comes from the network; one made with `content` counts as read already."""
    return httpx.Response(status, stream=httpx.ByteStream(content), headers=headers)


@pytest.mark.parametrize(("size", "fits"), [(99, True), (100, True), (101, False)])
async def test_an_answer_has_a_largest_size(size: int, fits: bool) -> None:
    http = client(answering(200, b"x" * size))
    if fits:
        assert len((await http.get(SITE, max_bytes=100)).body) == size
    else:
        with pytest.raises(TooLargeError):
            await http.get(SITE, max_bytes=100)


async def test_an_endless_answer_is_not_read_to_its_end() -> None:
    given = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal given
        while True:
            given += 1
            yield b"x" * 1000

    http = client(lambda _: httpx.Response(200, content=endless()))
    with pytest.raises(TooLargeError):
        await http.get(SITE, max_bytes=100_000)
    assert given < 250


class Refused(Exception):
    pass


class Connection:
    """As much of httpx's stream as tells who answers."""

    def get_extra_info(self, name: str) -> tuple[str, int] | None:
        return ("10.1.2.3", 443) if name == "server_addr" else None


async def test_who_answers_is_checked_before_the_answer_is_read() -> None:
    read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal read
        read = True
        yield b"internal"

    def refuse(peer: tuple[str, int]) -> None:
        raise Refused(peer[0])

    connection = {"network_stream": Connection()}
    http = client(lambda _: httpx.Response(500, content=body(), extensions=connection))
    with pytest.raises(Refused, match=r"10\.1\.2\.3"):
        await http.get(SITE, max_bytes=100, check_peer=refuse)
    assert not read


async def test_a_packed_answer_is_refused_unopened() -> None:
    http = client(answering(200, gzip.compress(b"x" * 10), content_encoding="gzip"))
    with pytest.raises(UnreadableError):
        await http.get(SITE, max_bytes=1000)


async def test_a_trickle_ends_at_the_deadline() -> None:
    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.005)

    http = client(lambda _: httpx.Response(200, content=trickle()), deadline=0.05)
    with pytest.raises(UnreachableError):
        await http.get(SITE, max_bytes=1_000_000)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("half an answer"),
    ],
)
async def test_a_failing_connection_is_unreachable(error: httpx.TransportError) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(UnreachableError):
        await client(fail).get(SITE, max_bytes=100)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, SlowDownError),
        (500, ServerFaultError),
        (502, ServerFaultError),
        (503, ServerFaultError),
    ],
)
async def test_statuses_that_may_pass(status: int, error: type[FlickrError]) -> None:
    with pytest.raises(error):
        await client(answering(status, b"<html>")).get(SITE, max_bytes=100)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("60", 60), ("61", 60), ("99999", 60), ("-1", None), ("soon", None), ("", None)],
)
async def test_retry_after_is_honoured_up_to_a_minute(header: str, seconds: float | None) -> None:
    with pytest.raises(SlowDownError) as caught:
        await client(answering(429, retry_after=header)).get(SITE, max_bytes=100)
    assert caught.value.retry_after == seconds


async def test_a_redirect_is_not_followed() -> None:
    asked: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return unread(302, headers={"location": "http://169.254.169.254/latest/"})

    answer = await client(redirect).get(f"{SITE}/here", max_bytes=100)
    assert asked == [f"{SITE}/here"]
    assert answer.status == 302


async def test_it_says_who_asks() -> None:
    def look(request: httpx.Request) -> httpx.Response:
        return unread(200, request.headers["user-agent"].encode())

    assert (await client(look).get(SITE, max_bytes=100)).body == b"Picha"


async def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    http = HttpClient(flickr_config())
    assert not http._http._mounts
    assert http._http.trust_env is False


async def test_the_key_is_in_no_log_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        if "good" in request.url.path:
            return unread(200)
        raise httpx.ConnectError(f"cannot reach {request.url}", request=request)

    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")
    http = client(fail)
    params = {"api_key": SECRET_KEY}
    await http.get(f"{SITE}/good", params=params, max_bytes=100)
    with pytest.raises(UnreachableError) as caught:
        await http.get(f"{SITE}/bad", params=params, max_bytes=100)
    assert "/good" in caplog.text
    assert SECRET_KEY not in caplog.text
    assert SECRET_KEY not in "".join(traceback.format_exception(caught.value))
    assert SECRET_KEY not in repr(flickr_config(api_key=SECRET_KEY))

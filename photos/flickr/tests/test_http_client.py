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


def responding(status: int, content: bytes = b"", **headers: str) -> Handler:
    http_headers = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _: unread_response(status, content, headers=http_headers)


def unread_response(
    status: int, content: bytes = b"", headers: dict[str, str] | None = None
) -> httpx.Response:
    """A response as from the network. With `content=`, httpx would mark it as already read."""
    return httpx.Response(status, stream=httpx.ByteStream(content), headers=headers)


@pytest.mark.parametrize(("size", "fits"), [(99, True), (100, True), (101, False)])
async def test_a_response_above_max_bytes_is_refused(size: int, fits: bool) -> None:
    http = client(responding(200, b"x" * size))
    if fits:
        assert len((await http.get(SITE, max_bytes=100)).body) == size
    else:
        with pytest.raises(TooLargeError):
            await http.get(SITE, max_bytes=100)


async def test_an_endless_response_is_read_up_to_max_bytes() -> None:
    chunks = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal chunks
        while True:
            chunks += 1
            yield b"x" * 1000

    http = client(lambda _: httpx.Response(200, content=endless()))
    with pytest.raises(TooLargeError):
        await http.get(SITE, max_bytes=100_000)
    assert chunks < 250


class PeerRefused(Exception):
    pass


class NetworkStream:
    """The method of httpx's network stream that names the server's IP address."""

    def get_extra_info(self, name: str) -> tuple[str, int] | None:
        return ("10.1.2.3", 443) if name == "server_addr" else None


async def test_the_peer_is_checked_before_the_response_is_read() -> None:
    is_read = False

    async def body() -> AsyncIterator[bytes]:
        nonlocal is_read
        is_read = True
        yield b"internal"

    def refuse(peer: tuple[str, int]) -> None:
        raise PeerRefused(peer[0])

    extensions = {"network_stream": NetworkStream()}
    http = client(lambda _: httpx.Response(500, content=body(), extensions=extensions))
    with pytest.raises(PeerRefused, match=r"10\.1\.2\.3"):
        await http.get(SITE, max_bytes=100, check_peer=refuse)
    assert not is_read


async def test_a_compressed_response_is_refused() -> None:
    http = client(responding(200, gzip.compress(b"x" * 10), content_encoding="gzip"))
    with pytest.raises(UnreadableError):
        await http.get(SITE, max_bytes=1000)


async def test_a_slow_response_ends_at_the_deadline() -> None:
    async def slow_body() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.005)

    http = client(lambda _: httpx.Response(200, content=slow_body()), deadline=0.05)
    with pytest.raises(UnreachableError):
        await http.get(SITE, max_bytes=1_000_000)


@pytest.mark.parametrize(
    "error",
    [
        httpx.ConnectError("refused"),
        httpx.ReadTimeout("slow"),
        httpx.RemoteProtocolError("half a response"),
    ],
)
async def test_a_failed_connection_is_unreachable(error: httpx.TransportError) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(UnreachableError):
        await client(fail).get(SITE, max_bytes=100)


@pytest.mark.parametrize(
    ("status", "error"),
    [(429, SlowDownError), *((status, ServerFaultError) for status in (500, 502, 503))],
)
async def test_temporary_errors_by_status(status: int, error: type[FlickrError]) -> None:
    with pytest.raises(error):
        await client(responding(status, b"<html>")).get(SITE, max_bytes=100)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [("7", 7), ("60", 60), ("61", 60), ("99999", 60), ("-1", None), ("soon", None), ("", None)],
)
async def test_retry_after_is_at_most_a_minute(header: str, seconds: float | None) -> None:
    with pytest.raises(SlowDownError) as caught:
        await client(responding(429, retry_after=header)).get(SITE, max_bytes=100)
    assert caught.value.retry_after == seconds


async def test_a_redirect_is_not_followed() -> None:
    requested: list[str] = []

    def redirect(request: httpx.Request) -> httpx.Response:
        requested.append(str(request.url))
        return unread_response(302, headers={"location": "http://169.254.169.254/latest/"})

    response = await client(redirect).get(f"{SITE}/here", max_bytes=100)
    assert requested == [f"{SITE}/here"]
    assert response.status == 302


async def test_the_user_agent_is_sent() -> None:
    def repeat_user_agent(request: httpx.Request) -> httpx.Response:
        return unread_response(200, request.headers["user-agent"].encode())

    assert (await client(repeat_user_agent).get(SITE, max_bytes=100)).body == b"Picha"


async def serve_hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
    await writer.drain()
    writer.close()


async def test_the_environments_proxies_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.invalid:3128")
    server = await asyncio.start_server(serve_hello, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server, HttpClient(flickr_config()) as http:
        response = await http.get(f"http://127.0.0.1:{port}/", max_bytes=100)
    assert response.body == b"hello"


async def test_the_key_is_in_no_log_and_no_traceback(caplog: pytest.LogCaptureFixture) -> None:
    def fail_unless_good(request: httpx.Request) -> httpx.Response:
        if "good" in request.url.path:
            return unread_response(200)
        raise httpx.ConnectError(f"cannot reach {request.url}", request=request)

    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.DEBUG, logger="httpx")
    http = client(fail_unless_good)
    params = {"api_key": SECRET_KEY}
    await http.get(f"{SITE}/good", params=params, max_bytes=100)
    with pytest.raises(UnreachableError) as caught:
        await http.get(f"{SITE}/bad", params=params, max_bytes=100)
    assert "/good" in caplog.text
    assert SECRET_KEY not in caplog.text
    assert SECRET_KEY not in "".join(traceback.format_exception(caught.value))
    assert SECRET_KEY not in repr(flickr_config(api_key=SECRET_KEY))

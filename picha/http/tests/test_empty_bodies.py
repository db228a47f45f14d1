"""What real servers send after the headers of a response that may have no body."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import DEVNULL, Popen
from typing import Any, Final

import httpx
import pytest

from picha.http.empty_bodies import EmptyBodyMiddleware
from picha.http.tests.streaming_application import CHUNKS, LENGTH, application
from realtime.tests.support.polling import until
from realtime.tests.support.ports import free_port
from realtime.tests.support.raw_socket import TIMEOUT_SECONDS, connected, request

APPLICATION: Final = "picha.http.tests.streaming_application:application"
COMMANDS: Final = {
    "daphne": ["daphne", "--verbosity", "0", "--port"],
    "uvicorn": ["uvicorn", "--lifespan", "off", "--log-level", "warning", "--port"],
}


@pytest.fixture(scope="module", params=COMMANDS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """The port of a server of the application."""
    port = free_port()
    command = [sys.executable, "-m", *COMMANDS[request.param], str(port), APPLICATION]
    folder = Path(__file__).parents[3]
    with Popen(command, cwd=folder, stdout=DEVNULL, stderr=DEVNULL) as process:
        try:
            until(lambda: responds(port), within=TIMEOUT_SECONDS, what="the server answers")
            yield port
        finally:
            process.kill()


def responds(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/200", trust_env=False).is_success
    except httpx.TransportError:
        return False


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("HEAD", "/200"),
        ("HEAD", "/200?length"),
        ("HEAD", "/404"),
        ("HEAD", "/204"),
        ("GET", "/204"),
        ("GET", "/204?length"),
        ("POST", "/204"),
        ("GET", "/304"),
        ("GET", "/304?length"),
        ("HEAD", "/304?length"),
    ],
)
async def test_the_next_response_follows_the_headers(port: int, method: str, path: str) -> None:
    host = [("Host", f"127.0.0.1:{port}")]
    requests = [
        request(path, [*host, ("Content-Length", "0")] if method == "POST" else host, method=method)
        for _ in range(2)
    ]
    last = request("/200?length", [*host, ("Connection", "close")])
    async with connected(port) as raw:
        await raw.write(b"".join([*requests, last]))
        received = await read_to_the_end(raw)

    *heads, body = received.split(b"\r\n\r\n", 3)
    status = path[1:4].encode()
    assert [head.split()[1] for head in heads] == [status, status, b"200"]
    assert body == b"".join(CHUNKS)


async def read_to_the_end(raw: Any) -> bytes:
    received = b""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while data := await raw.read():
            received += data
    return received


async def sent(method: str, path: str, query: bytes = b"") -> list[Any]:
    messages: list[Any] = []

    async def send(message: Any) -> None:
        messages.append(message)

    scope = {"type": "http", "method": method, "path": path, "query_string": query}
    await application(scope, no_message, send)
    return messages


async def no_message() -> dict[str, Any]:
    return {"type": "http.disconnect"}


async def test_a_response_with_a_body_is_sent_as_it_is() -> None:
    start, *bodies = await sent("GET", "/200", b"length")

    assert start["headers"] == [(b"Content-Length", b"%d" % LENGTH)]
    assert [message["body"] for message in bodies] == [*CHUNKS, b""]


async def test_the_response_to_head_has_the_headers_of_get() -> None:
    start, *bodies = await sent("HEAD", "/200", b"length")

    assert start["headers"] == [(b"Content-Length", b"%d" % LENGTH)]
    assert bodies == [{"type": "http.response.body", "body": b"", "more_body": False}]


async def test_messages_without_a_body_pass() -> None:
    messages: list[Any] = []

    async def push(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.push", "path": "/", "headers": []})

    async def send(message: Any) -> None:
        messages.append(message)

    await EmptyBodyMiddleware(push)({"type": "http", "method": "HEAD"}, no_message, send)

    assert [message["type"] for message in messages] == ["http.response.push"]

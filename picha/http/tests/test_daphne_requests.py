from collections.abc import Iterator

import pytest
from daphne import http_protocol
from twisted.web.http_headers import Headers

import picha.asgi  # noqa: F401 - it installs the request class
from picha.http.daphne_requests import Request, install, remove_unsafe_headers
from realtime.tests.support.raw_socket import connected, handshake, request
from realtime.tests.support.servers import Web, serving


@pytest.fixture(scope="module")
def daphne() -> Iterator[Web]:
    with serving() as servers:
        yield servers["daphne"]


def test_the_site_installs_the_request_class() -> None:
    assert http_protocol.WebRequest is Request


def test_an_untried_version_of_daphne_keeps_its_class_and_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    original = Request.__base__
    monkeypatch.setattr(http_protocol, "WebRequest", original)

    install(version="4.3.0")

    assert http_protocol.WebRequest is original
    assert "daphne is 4.3.0" in caplog.text


@pytest.mark.parametrize("path", ["/evil", "\xff", ""])
def test_the_root_path_is_removed(path: str) -> None:
    headers = Headers()
    headers.addRawHeader("dAPHNE-rOOT-pATH", path)

    remove_unsafe_headers(headers)

    assert not headers.hasHeader("daphne-root-path")


@pytest.mark.parametrize(("name", "is_kept"), [(b"jobs", True), (b"j\xc3\xb6bs", False)])
def test_a_subprotocol_is_kept_if_it_is_ascii(name: bytes, is_kept: bool) -> None:
    headers = Headers()
    headers.addRawHeader(b"Sec-WebSocket-Protocol", name)

    remove_unsafe_headers(headers)

    assert headers.hasHeader(b"sec-websocket-protocol") == is_kept


def test_other_headers_may_contain_any_bytes() -> None:
    headers = Headers()
    headers.addRawHeader(b"X-Other", b"\xff")

    remove_unsafe_headers(headers)

    assert headers.getRawHeaders(b"X-Other") == [b"\xff"]


@pytest.mark.stack
@pytest.mark.once
@pytest.mark.parametrize("path", ["/evil", "\xff\xfe"])
async def test_a_real_daphne_answers_a_request_with_a_root_path(daphne: Web, path: str) -> None:
    headers = [
        ("Host", f"127.0.0.1:{daphne.port}"),
        ("Daphne-Root-Path", path),
        ("Connection", "close"),
    ]
    async with connected(daphne.port) as raw:
        await raw.write(request("/healthz", headers))
        response = b""
        while data := await raw.read():
            response += data

    head, _, body = response.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n"), head
    assert body == b"ok"
    assert "Traceback" not in daphne.log


@pytest.mark.stack
@pytest.mark.once
@pytest.mark.parametrize(
    ("name", "value"), [("Daphne-Root-Path", "\xff\xfe"), ("Sec-WebSocket-Protocol", "j\xf6bs")]
)
async def test_a_real_daphne_opens_a_socket_in_spite_of_the_header(
    daphne: Web, name: str, value: str
) -> None:
    async with connected(daphne.port) as raw:
        await raw.write(handshake(daphne.port, [(name, value)]))
        status, head = await raw.read_head()

    assert status == 101, head
    assert "Traceback" not in daphne.log

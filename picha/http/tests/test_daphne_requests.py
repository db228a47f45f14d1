from typing import Any

import pytest
from daphne import http_protocol
from twisted.web.http_headers import Headers

import picha.asgi  # noqa: F401 - installs it
from picha.http.daphne_requests import Request


@pytest.fixture
def request_(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(Request.__base__, "process", lambda self: self.requestHeaders)
    request = Request.__new__(Request)
    request.requestHeaders = Headers()
    return request


def test_daphne_makes_such_requests() -> None:
    assert http_protocol.WebRequest is Request


@pytest.mark.parametrize("path", ["/evil", "\xff", ""])
def test_a_root_path_is_not_seen(request_: Any, path: str) -> None:
    request_.requestHeaders.addRawHeader("dAPHNE-rOOT-pATH", path)
    assert not request_.process().hasHeader("daphne-root-path")


@pytest.mark.parametrize(("name", "is_seen"), [(b"jobs", True), (b"j\xc3\xb6bs", False)])
def test_a_subprotocol_is_seen_if_it_is_ascii(request_: Any, name: bytes, is_seen: bool) -> None:
    request_.requestHeaders.addRawHeader(b"Sec-WebSocket-Protocol", name)
    assert request_.process().hasHeader(b"sec-websocket-protocol") == is_seen


def test_other_headers_may_have_any_bytes(request_: Any) -> None:
    request_.requestHeaders.addRawHeader(b"X-Other", b"\xff")
    assert request_.process().getRawHeaders(b"X-Other") == [b"\xff"]

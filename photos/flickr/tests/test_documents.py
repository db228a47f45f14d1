import json
from typing import Any

import pytest

from photos.flickr.documents import parse_rest_document
from photos.flickr.errors import (
    FlickrError,
    KeyRefusedError,
    QueryRefusedError,
    RequestRefusedError,
    UnavailableError,
    UnreadableError,
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>429 Too Many Requests</html>",
        b'<?xml version="1.0"?><rsp stat="ok"/>',
        b'{"photos":{"page":1,',
        b"[]",
        b"null",
        b'"text"',
        b'callback({"stat":"ok"})',
        b'json-x({"stat":"ok"})',
        b'jsonx({"stat":"ok"}',
        b'jsonx({"stat":"ok"});;',
        b'({"stat":"ok"})',
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b'{"stat":"perhaps"}',
        b"{}",
    ],
)
def test_other_content_is_not_a_rest_document(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse_rest_document(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"stat":"ok"}',
        b'jsonFlickrApi({"stat":"ok"})',
        b' jsonFlickrApi({"stat":"ok"});\n',
        b'\n\tjson_p( {"stat":"ok"} ) ; ',
        b'jsonFlickrApi({"stat":"ok"}) \r\n',
    ],
)
def test_a_document_may_have_a_jsonp_callback(body: bytes) -> None:
    assert parse_rest_document(body) == {"stat": "ok"}


NOT_AVAILABLE = "Sorry, the Flickr API service is not currently available."


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        *((code, "Signature", KeyRefusedError) for code in (95, 96, 97, 98, 99, 100)),
        *((code, "Not found", RequestRefusedError) for code in (111, 112, 114, 115, 116)),
        *((code, "No", QueryRefusedError) for code in (1, 2, 3, 4, 5, 11, 12, 18, 20, 77)),
        *((code, "Down", UnavailableError) for code in (10, 105, 106)),
        *((code, NOT_AVAILABLE, UnavailableError) for code in (0, 201, 1)),
        (0, "Something else", RequestRefusedError),
        ("100", "As text", KeyRefusedError),
        (None, "", RequestRefusedError),
    ],
)
def test_the_code_decides_the_error(code: Any, message: str, error: type[FlickrError]) -> None:
    body = json.dumps({"stat": "fail", "code": code, "message": message})
    with pytest.raises(error):
        parse_rest_document(body.encode())


def test_flickrs_message_is_not_shown() -> None:
    body = b'{"stat":"fail","code":100,"message":"Invalid API Key (abc123)"}'
    with pytest.raises(KeyRefusedError) as caught:
        parse_rest_document(body)
    assert "abc123" not in str(caught.value)

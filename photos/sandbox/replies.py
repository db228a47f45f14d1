"""Replies of the sandbox, before they become ASGI messages."""

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    status: int = 200
    body: bytes = b""
    content_type: str = "text/html; charset=utf-8"
    headers: tuple[tuple[str, str], ...] = ()


def html(status: int, text: str, *headers: tuple[str, str]) -> Reply:
    page = f"<!DOCTYPE html><html><head><title>{text}</title></head><body>{text}</body></html>"
    return Reply(status=status, body=page.encode(), headers=headers)


def json_reply(document: dict[str, Any], *, callback: str, is_plain: bool) -> Reply:
    """Without nojsoncallback=1 Flickr wraps the document in a JSONP callback."""
    # Like PHP, Flickr writes "/" as "\/".
    text = json.dumps(document).replace("/", "\\/")
    return text_reply(text, callback=callback, is_plain=is_plain)


def text_reply(text: str, *, callback: str, is_plain: bool) -> Reply:
    if is_plain:
        return Reply(body=text.encode(), content_type="application/json")
    return Reply(body=f"{callback}({text})".encode(), content_type="text/javascript; charset=utf-8")


TOO_MANY = html(429, "429 Too Many Requests")
BAD_GATEWAY = html(502, "502 Bad Gateway")
NOT_FOUND = html(404, "404 Not Found")
MAINTENANCE_PAGE = html(200, "Flickr is having a massage")
NOT_CURRENTLY_AVAILABLE = Reply(
    body=b'{"stat":"fail","code":201,'
    b'"message":"Sorry, the Flickr API service is not currently available."}',
    content_type="application/json",
)


def failure(code: int, message: str) -> dict[str, Any]:
    return {"stat": "fail", "code": code, "message": message}

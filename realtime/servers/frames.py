"""Frames of the WebSocket protocol, for servers that take longer over them than it does."""

from struct import pack
from typing import Final

FINAL_TEXT: Final = 0x81


def text_frame(text: str) -> bytes:
    """One frame of text, whole and unmasked (RFC 6455, 5.2)."""
    payload = text.encode()
    return header(len(payload)) + payload


def header(size: int) -> bytes:
    if size < 126:
        return pack("!BB", FINAL_TEXT, size)
    if size < 2**16:
        return pack("!BBH", FINAL_TEXT, 126, size)
    return pack("!BBQ", FINAL_TEXT, 127, size)

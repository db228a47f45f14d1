"""What daphne (4.2.3) is not to see of a request: it mounts the site wherever the header
Daphne-Root-Path of anybody says, and answers 500, with a traceback in the log, when that or the
name of a subprotocol is not ASCII."""

from typing import Any, Final

from daphne import http_protocol

READ_AS_ASCII: Final = b"Sec-WebSocket-Protocol"


class Request(http_protocol.WebRequest):  # type: ignore[misc]  # it ships no types
    def process(self) -> Any:
        headers = self.requestHeaders
        headers.removeHeader(b"Daphne-Root-Path")
        if not all(value.isascii() for value in headers.getRawHeaders(READ_AS_ASCII, [])):
            headers.removeHeader(READ_AS_ASCII)
        return super().process()


def install() -> None:
    """From now on; daphne has no setting for it."""
    http_protocol.WebRequest = Request

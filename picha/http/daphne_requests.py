"""daphne's request class, without two headers that anybody can send.

daphne 4.2 mounts the site at the path in the header Daphne-Root-Path. It answers 500, with a
traceback in the log, when this header or the name of a WebSocket subprotocol is not ASCII. It has
no setting for either. `picha.asgi` calls `install()` once.
"""

import logging
from typing import Any, Final

import daphne
from daphne import http_protocol
from twisted.web.http_headers import Headers

TRIED_VERSION: Final = "4.2."
ROOT_PATH: Final = b"Daphne-Root-Path"
SUBPROTOCOL: Final = b"Sec-WebSocket-Protocol"

logger = logging.getLogger(__name__)


class Request(http_protocol.WebRequest):  # type: ignore[misc]  # daphne has no types
    def process(self) -> Any:
        remove_unsafe_headers(self.requestHeaders)
        return super().process()


def remove_unsafe_headers(headers: Headers) -> None:
    headers.removeHeader(ROOT_PATH)
    if not all(value.isascii() for value in headers.getRawHeaders(SUBPROTOCOL, [])):
        headers.removeHeader(SUBPROTOCOL)


def install(version: str = daphne.__version__) -> None:
    """Replace daphne's request class, unless this version of daphne may not use it."""
    if version.startswith(TRIED_VERSION):
        http_protocol.WebRequest = Request
    else:
        logger.error(
            "daphne is %s and its request class was not replaced, because only 4.2 was tried: "
            "a request with a Daphne-Root-Path header may get the answer 500. Install daphne 4.2.",
            version,
        )

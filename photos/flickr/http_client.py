"""HttpClient: sends GET requests to Flickr, with a deadline and a maximum size for each response.

Used by the REST API, the feed and the picture downloads. It never follows a redirect.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx

from photos.flickr.config import FlickrConfig
from photos.flickr.errors import (
    ServerFaultError,
    SlowDownError,
    TooLargeError,
    UnreachableError,
    UnreadableError,
)

CONNECTIONS_MAX = 6
RETRY_AFTER_MAX_SECONDS = 60.0
"""A longer Retry-After of a server is shortened to this, so that no worker waits for hours."""


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: bytes
    location: str


PeerCheck = Callable[[Any], None]
"""Called with the IP address and port of the server that responds; with None in tests."""


def allow_any_peer(peer: Any) -> None:
    """Allow every server."""


class RemoveQueryFilter(logging.Filter):
    """Removes the query from URLs in httpx's log records, because it contains the API key."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                str(arg.copy_with(query=None)) if isinstance(arg, httpx.URL) else arg
                for arg in record.args
            )
        return True


logging.getLogger("httpx").addFilter(RemoveQueryFilter())


class HttpClient:
    """The HTTP connections of one import. Use it as an async context manager."""

    def __init__(
        self, config: FlickrConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._deadline = config.deadline
        self._http = httpx.AsyncClient(
            transport=transport,
            # Ignore the proxies and the .netrc of the environment: they are for other programs.
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(config.deadline, connect=min(config.deadline, 10)),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            # One piece of a compressed response could decompress to more than `max_bytes`.
            headers={"User-Agent": config.user_agent, "Accept-Encoding": "identity"},
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def get(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        max_bytes: int,
        check_peer: PeerCheck = allow_any_peer,
    ) -> Response:
        """Return the response if its status is below 429.

        `check_peer` is called before anything of the response is read; an exception that it
        raises ends the request.

        httpx's timeout limits each single read, so a server that sends a byte now and then could
        block a worker for ever. The deadline therefore limits the whole request.

        Raises:
            TransientError: there is no usable response; a later request may succeed.
        """
        try:
            async with asyncio.timeout(self._deadline):
                return await self._read(
                    url, params=params, max_bytes=max_bytes, check_peer=check_peer
                )
        except (TimeoutError, httpx.TransportError) as error:
            # Do not chain the error of httpx: it contains the request and so the API key.
            raise UnreachableError from _without_request(error)
        except httpx.InvalidURL:
            raise UnreadableError from None

    async def _read(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None,
        max_bytes: int,
        check_peer: PeerCheck,
    ) -> Response:
        async with self._http.stream("GET", url, params=params) as response:
            stream = response.extensions.get("network_stream")
            check_peer(stream.get_extra_info("server_addr") if stream is not None else None)
            _check_status(response)
            body = bytearray()
            async for piece in response.aiter_raw(64 * 1024):
                body += piece
                if len(body) > max_bytes:
                    raise TooLargeError
            return Response(
                status=response.status_code,
                body=bytes(body),
                location=response.headers.get("location", ""),
            )


def _check_status(response: httpx.Response) -> None:
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        raise SlowDownError(retry_after=_retry_after(response))
    if response.is_server_error:
        raise ServerFaultError(retry_after=_retry_after(response))
    if response.headers.get("content-encoding", "identity") != "identity":
        raise UnreadableError


def _retry_after(response: httpx.Response) -> float | None:
    text = response.headers.get("retry-after", "")
    is_number = text.isascii() and text.isdigit()
    return min(float(text), RETRY_AFTER_MAX_SECONDS) if is_number else None


def _without_request(error: Exception) -> Exception:
    return ConnectionError(type(error).__name__)

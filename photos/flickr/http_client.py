"""Carries requests to Flickr and bytes back, within a deadline and a size."""

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
RETRY_AFTER_MAX = 60.0
"""No server's wish keeps a worker waiting longer than this, in seconds."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    location: str


Check = Callable[[Any], None]
"""Given the address of the server that answers, as a socket gives it; None in tests."""


def anyone(peer: Any) -> None:
    """Any server may answer."""


class WithoutTheQuery(logging.Filter):
    """httpx logs each request with its address, and the key is in the query."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                str(arg.copy_with(query=None)) if isinstance(arg, httpx.URL) else arg
                for arg in record.args
            )
        return True


logging.getLogger("httpx").addFilter(WithoutTheQuery())


class Client:
    """One import's connections; an async context manager."""

    def __init__(
        self, config: FlickrConfig, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._deadline = config.deadline
        self._http = httpx.AsyncClient(
            transport=transport,
            # The environment's proxies and .netrc are for other programs.
            trust_env=False,
            follow_redirects=False,
            timeout=httpx.Timeout(config.deadline, connect=min(config.deadline, 10)),
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            # Compressed answers could unpack to more than the cap in one piece.
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
        address: str,
        *,
        params: Mapping[str, str] | None = None,
        longest: int,
        check_peer: Check = anyone,
    ) -> Answer:
        """The answer, whatever its status below 429; `longest` is in bytes.

        What `check_peer` raises ends it before anything of the answer is looked at.

        httpx's own timeout is of one silence, so a server that trickles would hold us for ever:
        the deadline is of the whole.
        """
        try:
            async with asyncio.timeout(self._deadline):
                return await self._read(
                    address, params=params, longest=longest, check_peer=check_peer
                )
        except (TimeoutError, httpx.TransportError) as error:
            # Not chained: httpx's errors hold the request, and that the key.
            raise UnreachableError from _bare(error)
        except httpx.InvalidURL:
            raise UnreadableError from None

    async def _read(
        self,
        address: str,
        *,
        params: Mapping[str, str] | None,
        longest: int,
        check_peer: Check,
    ) -> Answer:
        async with self._http.stream("GET", address, params=params) as response:
            stream = response.extensions.get("network_stream")
            check_peer(stream.get_extra_info("server_addr") if stream is not None else None)
            _check_status(response)
            body = bytearray()
            async for piece in response.aiter_raw(64 * 1024):
                body += piece
                if len(body) > longest:
                    raise TooLargeError
            return Answer(
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
    return min(float(text), RETRY_AFTER_MAX) if text.isascii() and text.isdigit() else None


def _bare(error: Exception) -> Exception:
    return ConnectionError(type(error).__name__)

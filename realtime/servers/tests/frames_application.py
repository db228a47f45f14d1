"""An ASGI application that sends large and small frames at the same time, to test servers with."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from realtime.servers.daphne import is_from_daphne, with_backpressure

LARGE: Final = "large"
SMALL: Final = "small"
END: Final = "end"
COUNTS: Final = {LARGE: 100, SMALL: 1000}


def text(series: str, number: int) -> str:
    """The text of a frame; its sizes lie around the limits of the frame header and of buffers."""
    sizes = {
        LARGE: (65_535, 20_001, 65_536, 40_000, 70_001, 9000, 300_000),
        SMALL: (20, 125, 126, 127, 1000),
    }[series]
    size = sizes[number % len(sizes)]
    start = f"{series} {number} "
    return (start + "".join(str((number + i) % 10) for i in range(10)) * (size // 10 + 1))[:size]


async def application(
    scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[..., Any]
) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": str(is_from_daphne(scope)).encode()})
        return
    await receive()
    await send({"type": "websocket.accept"})
    send = with_backpressure(send)
    await asyncio.gather(*(_send_series(series, send) for series in COUNTS))
    await send({"type": "websocket.send", "text": END})
    while (await receive())["type"] != "websocket.disconnect":
        pass


async def _send_series(series: str, send: Callable[..., Any]) -> None:
    for number in range(COUNTS[series]):
        await send({"type": "websocket.send", "text": text(series, number)})
        await asyncio.sleep(0)

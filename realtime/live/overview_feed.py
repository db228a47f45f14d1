"""OverviewFeed: sends the operators' numbers and changed rows to the sockets that watch them."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from realtime.conf import conf
from realtime.live.socket import Socket
from realtime.snapshots.schema import encode

ReadNumbers = Callable[[], Coroutine[Any, Any, Any]]


class OverviewFeed:
    def __init__(self) -> None:
        self._sockets: set[Socket] = set()
        self._rows: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._sockets)

    def add(self, socket: Socket) -> None:
        self._sockets.add(socket)

    def discard(self, socket: Socket) -> None:
        self._sockets.discard(socket)

    def add_rows(self, rows: dict[str, str]) -> None:
        """Send these jobs' rows with the next numbers."""
        self._rows.update(rows)

    async def send_forever(self, read_numbers: ReadNumbers) -> None:
        """Send the overview every `REALTIME_OVERVIEW_INTERVAL` seconds, if it has changed."""
        previous = ""
        while True:
            await asyncio.sleep(conf.OVERVIEW_INTERVAL)
            if self._sockets:
                numbers = encode(await read_numbers())
                self._send(numbers, is_changed=numbers != previous)
                previous = numbers
            else:
                previous = ""

    def _send(self, numbers: str, *, is_changed: bool) -> None:
        rows, self._rows = self._rows, {}
        for socket in self._sockets:
            if rows or is_changed or not socket.has_overview:
                socket.offer_overview(numbers, rows)

"""Many WebSocket clients in one process, controlled by `commands`.

`python -m realtime.benchmarks.many_clients PORT PATH ORIGIN FIRST_MESSAGE`
"""

import asyncio
import sys
from collections.abc import Iterator
from time import monotonic
from typing import Final

from realtime.benchmarks.commands import Answer, answer_client_commands
from realtime.benchmarks.frame_statistics import FrameStatistics
from realtime.benchmarks.websocket_client import SocketReader, WebSocketClient

SOCKETS_PER_ADDRESS: Final = 90
"""The site limits how many sockets may come from one address."""
HANDSHAKES_AT_ONCE: Final = 100
CONNECT_SECONDS_MAX: Final = 30.0


class ManyClients:
    def __init__(self, *, port: int, path: str, origin: str, first_message: str) -> None:
        self._port = port
        self._first_message = first_message.encode()
        self._handshake = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nOrigin: {origin}\r\n"
            "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
        ).encode()
        self._addresses = local_addresses()
        self._reader = SocketReader()
        self.statistics = FrameStatistics()

    async def connect(self, count: int) -> Answer:
        began = monotonic()
        semaphore = asyncio.Semaphore(HANDSHAKES_AT_ONCE)
        await asyncio.gather(*(self._connect_one(semaphore) for _ in range(count)))
        return {"seconds": monotonic() - began} | self.statistics.report()

    async def _connect_one(self, semaphore: asyncio.Semaphore) -> None:
        async with semaphore:
            try:
                async with asyncio.timeout(CONNECT_SECONDS_MAX):
                    client = await self._opened_client()
            except OSError:
                self.statistics.failed += 1
            else:
                self.statistics.clients.append(client)

    async def _opened_client(self) -> WebSocketClient:
        client = WebSocketClient(
            self.statistics,
            self._reader,
            handshake=self._handshake,
            first_message=self._first_message,
        )
        await asyncio.get_running_loop().create_connection(
            lambda: client, "127.0.0.1", self._port, local_addr=(next(self._addresses), 0)
        )
        await client.opened
        return client


def local_addresses() -> Iterator[str]:
    """Addresses of the loopback network, each of them `SOCKETS_PER_ADDRESS` times."""
    number = 0
    while True:
        block, last = divmod(number // SOCKETS_PER_ADDRESS, 250)
        yield f"127.0.{1 + block}.{1 + last}"
        number += 1


async def main(port: str, path: str, origin: str, first_message: str) -> None:
    clients = ManyClients(port=int(port), path=path, origin=origin, first_message=first_message)
    await answer_client_commands(clients)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

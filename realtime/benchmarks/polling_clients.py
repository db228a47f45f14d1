"""Many HTTP clients that poll, controlled by `commands`.

`python -m realtime.benchmarks.polling_clients PORT PATH`. Each client asks again half a second
after each answer, as the script of celery-progress does.
"""

import asyncio
import sys
from time import monotonic
from typing import Final

from realtime.benchmarks.commands import Answer, answer_client_commands
from realtime.benchmarks.frame_statistics import FrameStatistics

INTERVAL: Final = 0.5
CONNECTION_ERRORS: Final = (OSError, asyncio.IncompleteReadError)


class PollingClients:
    def __init__(self, *, port: int, path: str) -> None:
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self._tasks: list[asyncio.Task[None]] = []
        self.statistics = FrameStatistics()

    async def connect(self, count: int) -> Answer:
        for _ in range(count):
            await asyncio.sleep(INTERVAL / count)  # or all clients would always poll together
            self._tasks.append(asyncio.create_task(self._poll()))
        return self.statistics.report() | {"sockets": len(self._tasks)}

    async def _poll(self) -> None:
        newest = b""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            while True:
                writer.write(self._request)
                newest = self._newest_timestamp(await read_body(reader), newest)
                await asyncio.sleep(INTERVAL)
        except CONNECTION_ERRORS:
            self.statistics.failed += 1

    def _newest_timestamp(self, body: bytes, previous: bytes) -> bytes:
        parts = body.split(b"@", 2)
        if len(parts) == 3 and parts[1] != previous:
            self.statistics.add(float(parts[1]), now=monotonic())
            return parts[1]
        return previous


async def read_body(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    return await reader.readexactly(size)


async def main(port: str, path: str) -> None:
    await answer_client_commands(PollingClients(port=int(port), path=path))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

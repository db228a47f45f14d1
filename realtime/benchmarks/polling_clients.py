"""Many pages that ask again: `python -m realtime.benchmarks.polling_clients PORT PATH`.

As celery-progress' script does: half a second after each answer. Told on stdin as the crowd is.
"""

import asyncio
import json
import sys
from time import monotonic
from typing import Any, Final

from realtime.benchmarks.many_clients import Counted

INTERVAL: Final = 0.5
CLOSED: Final = (OSError, asyncio.IncompleteReadError)


class Pollers:
    def __init__(self, *, port: int, path: str) -> None:
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
        self._tasks: list[asyncio.Task[None]] = []
        self.counted = Counted()

    async def more(self, count: int) -> dict[str, Any]:
        for _ in range(count):
            await asyncio.sleep(INTERVAL / count)  # evenly, or all would ask at once for ever
            self._tasks.append(asyncio.create_task(self._poll()))
        return self.counted.report() | {"sockets": len(self._tasks)}

    async def _poll(self) -> None:
        newest = b""
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            while True:
                writer.write(self._request)
                newest = self._take(await _answer(reader), newest)
                await asyncio.sleep(INTERVAL)
        except CLOSED:
            self.counted.failed += 1

    def _take(self, answer: bytes, before: bytes) -> bytes:
        parts = answer.split(b"@", 2)
        if len(parts) == 3 and parts[1] != before:
            self.counted.frames += 1
            self.counted.waits.append(monotonic() - float(parts[1]))
            return parts[1]
        return before


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    size = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    return await reader.readexactly(size)


async def main(port: str, path: str) -> None:
    pollers = Pollers(port=int(port), path=path)
    while order := (await asyncio.to_thread(sys.stdin.readline)).split():
        answer: dict[str, Any] = {}
        match order:
            case ["more", count]:
                answer = await pollers.more(int(count))
            case ["count"]:
                pollers.counted.reset()
            case ["frames"]:
                answer = {"frames": pollers.counted.frames}
            case ["report"]:
                answer = pollers.counted.report()
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

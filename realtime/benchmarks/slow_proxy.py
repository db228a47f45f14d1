"""A proxy that delays requests to Redis: `python -m realtime.benchmarks.slow_proxy LISTEN TARGET
SECONDS`.

It forwards what arrives at the Unix socket LISTEN to the Unix socket TARGET after SECONDS, as if
Redis were far away. The answers of Redis are not delayed.
"""

import asyncio
import sys
from contextlib import suppress


async def forward(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, *, delay: float
) -> None:
    """Writes each chunk `delay` seconds after it arrived, without waiting for earlier chunks."""
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while chunk := await source.read(65536):
            loop.call_later(delay, target.write, chunk)
    loop.call_later(delay, target.close)


async def main(listen: str, upstream: str, delay: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(upstream)
        await asyncio.gather(
            forward(reader, to_server, delay=delay), forward(from_server, writer, delay=0)
        )

    server = await asyncio.start_unix_server(connected, listen)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))

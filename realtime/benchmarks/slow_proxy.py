"""`python -m realtime.benchmarks.slow_proxy LISTEN TARGET SECONDS`: a Redis that is further away.

What comes in at the socket LISTEN goes to TARGET after so many seconds, its answers at once.
"""

import asyncio
import sys
from contextlib import suppress


async def carry(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, *, delay: float
) -> None:
    """In order, each part `delay` after it came, however many are on the way at once."""
    loop = asyncio.get_running_loop()
    with suppress(ConnectionError):
        while part := await source.read(65536):
            loop.call_later(delay, target.write, part)
    loop.call_later(delay, target.close)


async def main(listen: str, upstream: str, delay: float) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_unix_connection(upstream)
        await asyncio.gather(
            carry(reader, to_server, delay=delay), carry(from_server, writer, delay=0)
        )

    server = await asyncio.start_unix_server(connected, listen)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3])))

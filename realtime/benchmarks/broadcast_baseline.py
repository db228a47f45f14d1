"""What hands text from Redis to everybody by `websockets.broadcast`, and does nothing else.

`python -m realtime.benchmarks.broadcast_baseline PORT REDIS_URL`
"""

import asyncio
import sys
from typing import Final

from redis.asyncio import Redis
from websockets.asyncio.server import ServerConnection, broadcast, serve

CHANNEL: Final = "broadcast"


async def main(port: str, redis_url: str) -> None:
    everybody: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        everybody.add(connection)
        try:
            await connection.wait_closed()
        finally:
            everybody.discard(connection)

    # No compression, as with the other servers here.
    async with (
        serve(handle, "127.0.0.1", int(port), compression=None, backlog=4096),
        Redis.from_url(redis_url) as redis,
        redis.pubsub() as pubsub,
    ):
        await pubsub.subscribe(CHANNEL)
        async for message in pubsub.listen():
            if message["type"] == "message":
                broadcast(everybody, message["data"].decode())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

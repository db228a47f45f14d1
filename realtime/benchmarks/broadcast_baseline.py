"""A minimal WebSocket server: sends each text from Redis to all clients, and does nothing else.

`python -m realtime.benchmarks.broadcast_baseline PORT REDIS_URL`. It uses `websockets.broadcast`.
"""

import asyncio
import sys
from typing import Final

from redis.asyncio import Redis
from websockets.asyncio.server import ServerConnection, broadcast, serve

CHANNEL: Final = "broadcast"


async def main(port: str, redis_url: str) -> None:
    connections: set[ServerConnection] = set()

    async def handle(connection: ServerConnection) -> None:
        connections.add(connection)
        try:
            await connection.wait_closed()
        finally:
            connections.discard(connection)

    # The other servers of the benchmark do not compress either.
    async with (
        serve(handle, "127.0.0.1", int(port), compression=None, backlog=4096),
        Redis.from_url(redis_url) as redis,
        redis.pubsub() as pubsub,
    ):
        await pubsub.subscribe(CHANNEL)
        async for message in pubsub.listen():
            if message["type"] == "message":
                broadcast(connections, message["data"].decode())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))

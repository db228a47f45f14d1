import asyncio
from uuid import UUID, uuid4

from realtime.bus.pending import PendingIds

TIMEOUT_SECONDS = 60


async def test_ids_that_follow_a_delivery_are_delivered_together() -> None:
    sent: list[list[UUID]] = []
    twice = asyncio.Event()

    async def send(ids: list[UUID]) -> None:
        sent.append(ids)
        if len(sent) == 2:
            twice.set()

    first, second, third = (uuid4() for _ in range(3))
    pending = PendingIds(asyncio.get_running_loop(), send, "test", pause=3.0)
    running = asyncio.create_task(pending.run())
    async with asyncio.timeout(TIMEOUT_SECONDS):
        for job_id in (first, second, third):
            pending.add([job_id])
            for _ in range(5):  # without the pause, each id would be delivered alone
                await asyncio.sleep(0)
        await twice.wait()
    running.cancel()
    assert sent == [[first], [second, third]]

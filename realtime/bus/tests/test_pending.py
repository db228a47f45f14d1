import asyncio
from uuid import UUID, uuid4

from realtime.bus.pending import CHUNK_SIZE, PendingIds

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


async def test_an_id_that_cannot_be_delivered_does_not_hold_up_the_others() -> None:
    ids = [uuid4() for _ in range(7)]
    bad, others = ids[2], set(ids) - {ids[2]}
    delivered: list[UUID] = []
    all_others = asyncio.Event()

    async def send(chunk: list[UUID]) -> None:
        if bad in chunk:
            raise ValueError("bad")
        delivered.extend(chunk)
        if others <= set(delivered):
            all_others.set()

    pending = PendingIds(asyncio.get_running_loop(), send, "test", retry_pause=0.0)
    pending.add(ids)
    running = asyncio.create_task(pending.run())
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await all_others.wait()
    running.cancel()
    assert len(delivered) == len(others)


async def test_after_a_failure_chunks_grow_to_their_full_size_again() -> None:
    sizes: list[int] = []
    last = asyncio.Event()

    async def send(chunk: list[UUID]) -> None:
        sizes.append(len(chunk))
        if len(sizes) == 1:
            raise ConnectionError("down")
        if sum(sizes[1:]) == 3 * CHUNK_SIZE:
            last.set()

    pending = PendingIds(asyncio.get_running_loop(), send, "test", retry_pause=0.0)
    pending.add(uuid4() for _ in range(3 * CHUNK_SIZE))
    running = asyncio.create_task(pending.run())
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await last.wait()
    running.cancel()
    assert sizes == [CHUNK_SIZE, CHUNK_SIZE // 2, CHUNK_SIZE, CHUNK_SIZE, CHUNK_SIZE // 2]

import asyncio
from collections.abc import Callable

import pytest

from realtime.live import send_queue as send_queue_module
from realtime.live.send_queue import SendQueue, begin


class CountingSender:
    def __init__(self, does: Callable[[], None] = lambda: None) -> None:
        self.flushes = 0
        self._does = does

    def flush(self) -> None:
        self.flushes += 1
        self._does()


async def turns(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


async def test_a_sender_that_is_added_several_times_is_flushed_once() -> None:
    queue, sender = SendQueue(), CountingSender()
    for _ in range(3):
        queue.add(sender)
    await turns(3)
    assert sender.flushes == 1


async def test_a_sender_that_is_added_during_a_flush_is_flushed_later() -> None:
    queue, late = SendQueue(), CountingSender()
    queue.add(CountingSender(lambda: queue.add(late)))
    await turns(1)
    assert late.flushes == 0
    await turns(5)
    assert late.flushes == 1


async def test_the_event_loop_runs_between_slices_of_a_long_round(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(send_queue_module, "SLICE", -1.0)
    queue, each = SendQueue(), [CountingSender() for _ in range(10)]
    for sender in each:
        queue.add(sender)
    await turns(3)
    assert 0 < sum(sender.flushes for sender in each) < len(each)
    await turns(10)
    assert [sender.flushes for sender in each] == [1] * 10


async def test_under_load_the_next_round_waits_for_a_quick_turn_of_the_loop(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(send_queue_module, "QUICK", -1.0)  # no turn is
    clock = 0.0
    monkeypatch.setattr(send_queue_module, "monotonic", lambda: clock)

    def take_a_second() -> None:
        nonlocal clock
        clock += 1.0

    queue, slow = SendQueue(), CountingSender(take_a_second)
    queue.add(slow)
    await turns(2)
    queue.add(slow)
    await turns(10)
    assert slow.flushes == 1
    clock += 1.5
    await turns(2)
    assert slow.flushes == 2


async def test_a_send_that_does_not_wait_is_done_at_once() -> None:
    done = []

    async def send() -> None:
        done.append(1)

    assert begin(send()) is None
    assert done == [1]


async def test_a_send_that_waits_is_finished_by_a_task() -> None:
    gate, done = asyncio.Event(), []

    async def send() -> None:
        await gate.wait()
        await asyncio.sleep(0)
        done.append(1)

    task = begin(send())
    assert task is not None
    await turns(3)
    assert not done
    gate.set()
    await task
    assert done == [1]


async def test_a_send_that_waits_can_be_cancelled() -> None:
    ended = []

    async def send() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    task = begin(send())
    assert task is not None
    await turns(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [1]


@pytest.mark.parametrize("waits", [False, True])
async def test_an_error_reaches_the_caller(waits: bool) -> None:
    async def send() -> None:
        if waits:
            await asyncio.sleep(0)
        raise OSError("gone")

    async def begin_and_wait() -> None:
        if task := begin(send()):
            await task

    with pytest.raises(OSError, match="gone"):
        await begin_and_wait()

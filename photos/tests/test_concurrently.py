import asyncio
from contextlib import aclosing

import pytest

from photos.concurrently import concurrently


async def test_at_once_limits_the_running_calls() -> None:
    running, maximum = 0, 0

    async def double(number: int) -> int:
        nonlocal running, maximum
        running += 1
        maximum = max(maximum, running)
        await asyncio.sleep(0)
        running -= 1
        return number * 2

    results = [result async for result in concurrently(double, range(10), at_once=3)]
    assert sorted(results) == [number * 2 for number in range(10)]
    assert maximum == 3


async def test_no_items() -> None:
    assert [result async for result in concurrently(asyncio.sleep, [], at_once=3)] == []


async def test_results_arrive_in_the_order_of_completion() -> None:
    gate = asyncio.Event()

    async def wait(name: str) -> str:
        if name == "slow":
            await gate.wait()
        return name

    results = concurrently(wait, ["slow", "fast"], at_once=2)
    async with aclosing(results):
        assert await anext(results) == "fast"
        gate.set()
        assert await anext(results) == "slow"


async def test_an_error_is_raised_unchanged_and_cancels_the_others() -> None:
    cancelled = []

    async def work(name: str) -> None:
        if name == "bad":
            raise LookupError(name)
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.append(name)

    results = concurrently(work, ["slow", "bad"], at_once=2)
    with pytest.raises(LookupError):
        async for _ in results:
            pass
    assert cancelled == ["slow"]


async def test_closing_cancels_running_calls() -> None:
    async def work(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    before = asyncio.all_tasks()
    results = concurrently(work, [0, 60, 60], at_once=3)
    async with aclosing(results):
        await anext(results)
    assert asyncio.all_tasks() == before

import asyncio
from contextlib import aclosing

import pytest

from photos.concurrently import concurrently


async def test_no_more_at_once_than_allowed_and_all_in_the_end() -> None:
    running, most = 0, 0

    async def double(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        return number * 2

    results = [one async for one in concurrently(double, range(10), at_once=3)]
    assert sorted(results) == [number * 2 for number in range(10)]
    assert most == 3


async def test_nothing_to_do() -> None:
    assert [one async for one in concurrently(asyncio.sleep, [], at_once=3)] == []


async def test_what_comes_first_is_given_first() -> None:
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


async def test_an_error_comes_out_as_it_is_and_ends_the_others() -> None:
    ended = []

    async def work(name: str) -> None:
        if name == "bad":
            raise LookupError(name)
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(name)

    results = concurrently(work, ["slow", "bad"], at_once=2)
    with pytest.raises(LookupError):
        async for _ in results:
            pass
    assert ended == ["slow"]


async def test_a_closed_one_leaves_nothing_running() -> None:
    async def work(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    before = asyncio.all_tasks()
    results = concurrently(work, [0, 60, 60], at_once=3)
    async with aclosing(results):
        await anext(results)
    assert asyncio.all_tasks() == before

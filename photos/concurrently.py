"""Does a few things at the same time and gives their results as they come."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from itertools import islice
from typing import TypeVar

Thing = TypeVar("Thing")
Result = TypeVar("Result")


async def concurrently(
    do: Callable[[Thing], Awaitable[Result]], things: Iterable[Thing], *, at_once: int
) -> AsyncGenerator[Result, None]:
    """Results of `do` in the order in which they come; closing it cancels what is under way.

    Not a TaskGroup: that would wrap what ends the import, a cancel for one, in a group.
    """
    waiting = iter(things)
    running: set[asyncio.Future[Result]] = set()
    try:
        while True:
            for thing in islice(waiting, at_once - len(running)):
                running.add(asyncio.ensure_future(do(thing)))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                yield one.result()
    finally:
        for one in running:
            one.cancel()
        await asyncio.gather(*running, return_exceptions=True)

"""Calls a coroutine function for many items, a few at the same time."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


async def concurrently(
    call: Callable[[Item], Awaitable[Result]], items: Iterable[Item], *, at_once: int
) -> AsyncGenerator[Result, None]:
    """Yield the results of `call` as they arrive. Closing the generator cancels running calls.

    A TaskGroup would wrap an exception that ends the import, such as a cancel, in a group.
    """
    pending = iter(items)
    running: set[asyncio.Future[Result]] = set()
    try:
        while True:
            for item in islice(pending, at_once - len(running)):
                running.add(asyncio.ensure_future(call(item)))
            if not running:
                return
            done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
            for future in done:
                yield future.result()
    finally:
        for future in running:
            future.cancel()
        await asyncio.gather(*running, return_exceptions=True)

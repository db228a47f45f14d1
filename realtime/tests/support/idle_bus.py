"""The bus of the tests' process between two tests."""

import asyncio
import sys
from typing import Any

PATIENCE = 60


def let_the_bus_rest() -> None:
    """Until what a test has left it to do is done: its rows are about to go.

    PostgreSQL may find a deadlock where tables are emptied that somebody is at, and what is sent
    later would be heard by another test.
    """
    bus = getattr(sys.modules.get("realtime.bus.bus"), "_bus", None)
    if bus is not None:
        bus.drain()
        asyncio.run_coroutine_threadsafe(_hands_are_empty(bus), bus._loop).result(PATIENCE)


async def _hands_are_empty(bus: Any) -> None:
    for hand in (bus._database, bus._broker):
        await hand.call(lambda: None)

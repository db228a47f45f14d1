"""GcFreeze: keeps open sockets out of Python's garbage collection.

Measured while 5,000 sockets connected to uvicorn: full collections, one each time the number of
objects had grown by a quarter, took up to 530 ms, 3.5 s of 9 s in all, and blocked the event loop
meanwhile. So each `BATCH_SIZE` new sockets are moved out of the collector's reach by `gc.freeze()`.
That affects all objects of the process: `REALTIME_GC_FREEZE = False` turns it off.
"""

import gc
from typing import Final

from realtime.conf import conf

BATCH_SIZE: Final = 250
"""Sockets that are frozen together; one collection over this many takes about 25 ms."""


class GcFreeze:
    """Call `opened()` for each new socket, and `closed()` for each that has ended."""

    def __init__(self) -> None:
        self._opened = 0
        self._closed = 0

    def opened(self) -> None:
        self._opened += 1
        if self._opened >= BATCH_SIZE and conf.GC_FREEZE:
            self._opened = 0
            gc.collect()
            gc.freeze()

    def closed(self, *, still_open: int) -> None:
        self._closed += 1
        if self._closed > max(still_open, BATCH_SIZE) and conf.GC_FREEZE:
            # Closed sockets may have left reference cycles: the next collection can find them.
            self._closed = 0
            gc.unfreeze()

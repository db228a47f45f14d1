"""SharedReads: one query for all callers that ask at about the same time.

After a restart of a web process all its browsers reconnect at once, and each asks for its jobs. One
query for each of a thousand sockets took two seconds, and mostly read the same rows.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from typing import Any, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Round(Generic[K, V]):
    def __init__(self) -> None:
        self.keys: dict[K, None] = {}
        self.task: asyncio.Task[Mapping[K, V]] | None = None


class SharedReads(Generic[K, V]):
    """Calls `read` with the keys of several callers.

    Callers that ask while one read runs share the next one: nobody gets a value that was read
    before they asked.
    """

    def __init__(self, read: Callable[[list[K]], Coroutine[Any, Any, Mapping[K, V]]]) -> None:
        self._read = read
        self._lock = asyncio.Lock()
        self._next: Round[K, V] = Round()
        self._tasks: set[asyncio.Task[Mapping[K, V]]] = set()

    async def get(self, keys: Iterable[K]) -> dict[K, V]:
        """The values of those of `keys` that exist; raises what `read` raises."""
        keys = list(keys)
        round_ = self._next
        round_.keys.update(dict.fromkeys(keys))
        if round_.task is None:
            round_.task = asyncio.create_task(self._run(round_))
            self._tasks.add(round_.task)
            round_.task.add_done_callback(self._tasks.discard)
        values = await asyncio.shield(round_.task)
        return {key: values[key] for key in keys if key in values}

    def close(self) -> None:
        """Cancel all reads."""
        for task in self._tasks:
            task.cancel()
        self._next = Round()

    async def _run(self, round_: Round[K, V]) -> Mapping[K, V]:
        async with self._lock:
            self._next = Round()
            return await self._read(list(round_.keys))

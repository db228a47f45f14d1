"""One query for all who ask at about the same time.

After a restart of a web process all its browsers come back at once, each to ask for its jobs; a
query for each is seconds of work (a thousand sockets: two), and mostly for the same rows.
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
    """What `read` finds for keys.

    Those who ask while one read is on share the next: nobody is given what was read before they
    asked.
    """

    def __init__(self, read: Callable[[list[K]], Coroutine[Any, Any, Mapping[K, V]]]) -> None:
        self._read = read
        self._turn = asyncio.Lock()
        self._gathering: Round[K, V] = Round()
        self._tasks: set[asyncio.Task[Mapping[K, V]]] = set()

    async def get(self, keys: Iterable[K]) -> dict[K, V]:
        """What there is of `keys`; raises what `read` raises."""
        wanted = list(keys)
        batch = self._gathering
        batch.keys.update(dict.fromkeys(wanted))
        if batch.task is None:
            batch.task = asyncio.create_task(self._run(batch))
            self._tasks.add(batch.task)
            batch.task.add_done_callback(self._tasks.discard)
        found = await asyncio.shield(batch.task)
        return {key: found[key] for key in wanted if key in found}

    def close(self) -> None:
        """Nobody asks any more."""
        for task in self._tasks:
            task.cancel()
        self._gathering = Round()

    async def _run(self, batch: Round[K, V]) -> Mapping[K, V]:
        async with self._turn:
            self._gathering = Round()
            return await self._read(list(batch.keys))

import asyncio
from collections.abc import Iterable

import pytest

from realtime.live.shared_reads import SharedReads


class Rows:
    """A database that waits until `answers` is set."""

    def __init__(self, **rows: int) -> None:
        self.rows = rows
        self.queries: list[list[str]] = []
        self.answers = asyncio.Event()

    async def read(self, keys: Iterable[str]) -> dict[str, int]:
        self.queries.append(list(keys))
        values = {key: self.rows[key] for key in keys if key in self.rows}
        await self.answers.wait()
        return values


async def settle() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


async def test_callers_that_ask_while_one_query_runs_share_the_next() -> None:
    rows = Rows(a=1, b=2)
    shared = SharedReads(rows.read)
    first = asyncio.create_task(shared.get(["a"]))
    await settle()
    others = [asyncio.create_task(shared.get([key])) for key in ("a", "b", "b", "c")]
    await settle()
    rows.answers.set()
    assert await first == {"a": 1}
    assert await asyncio.gather(*others) == [{"a": 1}, {"b": 2}, {"b": 2}, {}]
    assert rows.queries == [["a"], ["a", "b", "c"]]


async def test_no_caller_gets_values_from_before_it_asked() -> None:
    rows = Rows(a=1)
    shared = SharedReads(rows.read)
    early = asyncio.create_task(shared.get(["a"]))
    await settle()
    rows.rows["a"] = 2
    late = asyncio.create_task(shared.get(["a"]))
    await settle()
    rows.answers.set()
    assert (await early, await late) == ({"a": 1}, {"a": 2})


async def test_a_cancelled_caller_does_not_affect_the_others() -> None:
    rows = Rows(a=1)
    shared = SharedReads(rows.read)
    leaving, staying = (asyncio.create_task(shared.get(["a"])) for _ in range(2))
    await settle()
    leaving.cancel()
    rows.answers.set()
    assert await staying == {"a": 1}


async def test_all_callers_get_the_error_and_later_ones_ask_again() -> None:
    fails = True

    async def read(keys: list[str]) -> dict[str, int]:
        if fails:
            raise OSError("no database")
        return dict.fromkeys(keys, 1)

    shared = SharedReads(read)
    both = await asyncio.gather(shared.get(["a"]), shared.get(["b"]), return_exceptions=True)
    assert [str(error) for error in both] == ["no database"] * 2
    fails = False
    assert await shared.get(["a"]) == {"a": 1}


async def test_it_can_be_used_again_after_a_close() -> None:
    rows = Rows(a=1)
    shared = SharedReads(rows.read)
    tasks = [asyncio.create_task(shared.get(["a"])) for _ in range(2)]
    await settle()
    shared.close()
    for task in tasks:
        with pytest.raises(asyncio.CancelledError):
            await task
    rows.answers.set()
    assert await shared.get(["a"]) == {"a": 1}

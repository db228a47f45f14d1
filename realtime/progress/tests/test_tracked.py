from collections.abc import AsyncIterator

import pytest

from realtime.models import Job
from realtime.progress.progress import Progress


def test_an_item_counts_after_its_turn_of_the_loop() -> None:
    progress = Progress(Job(task="t"))
    letters = progress.track("abc", phase="Spelling", unit="letter")
    counts = [progress.fields()["done"] for _ in letters]
    assert counts == [0, 1, 2]
    assert progress.fields()["done"] == progress.fields()["total"] == 3


async def test_an_async_source_is_tracked_too() -> None:
    async def letters() -> AsyncIterator[str]:
        for letter in "ab":
            yield letter

    progress = Progress(Job(task="t"))
    seen = [letter async for letter in progress.track(letters(), total=2)]
    assert seen == ["a", "b"]
    assert progress.done == 2


async def test_a_sync_source_may_be_tracked_by_async_for() -> None:
    progress = Progress(Job(task="t"))
    assert [letter async for letter in progress.track("ab")] == ["a", "b"]
    assert (progress.done, progress.total) == (2, 2)


async def test_an_async_source_in_a_sync_loop_raises() -> None:
    async def nothing() -> AsyncIterator[str]:
        yield ""

    with pytest.raises(TypeError, match="async for"):
        list(Progress(Job(task="t")).track(nothing()))


def test_a_loop_that_is_left_ends_its_phase_when_the_next_begins() -> None:
    progress = Progress(Job(task="t"))
    for letter in progress.track("abc", phase="Spelling"):
        if letter == "b":
            break
    with progress.phase("Writing"):
        assert progress.fields()["phases"] == [["Spelling", "done"], ["Writing", "running"]]


async def test_an_async_loop_that_is_left_ends_its_phase_too() -> None:
    progress = Progress(Job(task="t"))
    async for _ in progress.track("abc", phase="Spelling"):
        break
    with progress.phase("Writing"):
        assert progress.fields()["phases"] == [["Spelling", "done"], ["Writing", "running"]]


def test_a_loop_that_fails_does_not_end_its_phase() -> None:
    progress = Progress(Job(task="t"))

    def fail() -> None:
        for _ in progress.track("abc", phase="Spelling"):
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert progress.fields()["phases"] == [["Spelling", "running"]]

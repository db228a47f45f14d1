"""Tracked: an iterable that advances the progress of a task; see `Progress.track`."""

from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Generic, TypeVar

T = TypeVar("T")


class Tracked(Generic[T]):
    """Iterates over `source` within the block of `within`, and calls `advance` after each item.

    It is an async iterable too, whether or not `source` is one.
    """

    def __init__(
        self,
        source: Iterable[T] | AsyncIterable[T],
        *,
        within: Callable[[], AbstractContextManager[None]],
        advance: Callable[[], None],
    ) -> None:
        self._source = source
        self._within = within
        self._advance = advance

    def __iter__(self) -> Iterator[T]:
        if not isinstance(self._source, Iterable):
            raise TypeError("This source is an async iterable: iterate with `async for`.")
        with self._within():
            for item in self._source:
                yield item
                self._advance()

    async def __aiter__(self) -> AsyncIterator[T]:
        with self._within():
            if isinstance(self._source, AsyncIterable):
                async for item in self._source:
                    yield item
                    self._advance()
            else:
                for item in self._source:
                    yield item
                    self._advance()

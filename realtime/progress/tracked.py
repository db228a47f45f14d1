"""What a task iterates over, counted as it goes: `self.progress.track`."""

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from realtime.progress.progress import Progress

T = TypeVar("T")


class Tracked(Generic[T]):
    """An iterable, sync or async as its source, that advances its progress."""

    def __init__(
        self, progress: "Progress", source: Iterable[T] | AsyncIterable[T], **phase: Any
    ) -> None:
        self._progress = progress
        self._source = source
        self._phase = phase

    def __iter__(self) -> Iterator[T]:
        if not isinstance(self._source, Iterable):
            raise TypeError("An async source is tracked by `async for`.")
        with self._begun():
            for item in self._source:
                yield item
                self._progress.advance()

    async def __aiter__(self) -> AsyncIterator[T]:
        with self._begun():
            if isinstance(self._source, AsyncIterable):
                async for item in self._source:
                    yield item
                    self._progress.advance()
            else:
                for item in self._source:
                    yield item
                    self._progress.advance()

    @contextmanager
    def _begun(self) -> Iterator[None]:
        phase = dict(self._phase)
        if name := phase.pop("phase"):
            with self._progress.phase(name, **phase):
                yield
        else:
            self._progress.total, self._progress.unit = phase["total"], phase["unit"]
            yield

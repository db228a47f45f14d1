"""Run: one attempt of a job in this process, and what it uses of the process.

`JobTask` sets the current run while it calls a body. `testing.run_task` replaces the runtime.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, Protocol

from django.db import close_old_connections

from realtime.bus.bus import bus
from realtime.progress import Progress


class Run:
    """One attempt in progress; `retry_message` is the message of the next one, set by `retry`."""

    def __init__(self, create_progress: Callable[[], Progress]) -> None:
        self._create_progress = create_progress
        self.retry_message: dict[str, Any] | None = None

    @cached_property
    def progress(self) -> Progress:
        """Created on first use: most calls outside of a job report no progress."""
        return self._create_progress()


current_run: Final[ContextVar[Run]] = ContextVar("realtime_run")


class Runner(Protocol):
    """What `asyncio.Runner` does for a coroutine body."""

    def run(self, coroutine: Any) -> Any: ...


def _add_run(progress: Progress) -> None:
    bus().add_run(progress)


def _remove_run(progress: Progress) -> None:
    bus().remove_run(progress)


@dataclass(frozen=True, kw_only=True)
class Runtime:
    """What a run uses of its process; the defaults are those of a Celery worker."""

    create_progress: Callable[..., Progress] = Progress
    add_run: Callable[[Progress], None] = _add_run
    """Have the bus send and save the progress, until `remove_run`."""
    remove_run: Callable[[Progress], None] = _remove_run
    create_runner: Callable[[], AbstractContextManager[Runner]] = asyncio.Runner
    close_connections: Callable[[], None] = close_old_connections
    """Close the database connections of the thread that a coroutine body has used."""


_WORKER: Final = Runtime()
_runtime: Final[ContextVar[Runtime]] = ContextVar("realtime_runtime", default=_WORKER)


def runtime() -> Runtime:
    return _runtime.get()


@contextmanager
def use_runtime(replacement: Runtime) -> Iterator[None]:
    """Runs that this thread starts within the block use `replacement`."""
    token = _runtime.set(replacement)
    try:
        yield
    finally:
        _runtime.reset(token)

"""Runs `async def` bodies."""

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from functools import wraps
from typing import Any

from asgiref.sync import sync_to_async

from realtime.worker.run import current_run, runtime
from realtime.worker.soft_limit import cancel_at_soft_limit


def in_event_loop(body: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """A function that runs the coroutine function `body` in a new event loop.

    Celery does not support coroutines. The loop runs in the calling thread, where `self.request`
    works. The ORM's calls run in asgiref's thread, whose connections are closed at the end.
    """

    @wraps(body)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            with runtime().create_runner() as runner:
                return runner.run(main(args, kwargs))
        except asyncio.CancelledError:
            if running := current_run.get(None):
                running.progress.check()
            raise

    async def main(args: Any, kwargs: Any) -> Any:
        if running := current_run.get(None):
            running.progress.on_stop(_cancel_from_any_thread())
        try:
            with cancel_at_soft_limit():
                return await body(*args, **kwargs)
        finally:
            await sync_to_async(runtime().close_connections)()

    return run


def _cancel_from_any_thread() -> Callable[[], object]:
    """A function that cancels the current asyncio task, and that any thread may call."""
    loop, current = asyncio.get_running_loop(), asyncio.current_task()

    def cancel() -> None:
        with suppress(RuntimeError):  # The loop has been closed: the body has ended.
            if current:
                loop.call_soon_threadsafe(current.cancel)

    return cancel

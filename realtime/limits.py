"""Time limits: how a coroutine body feels the soft one, and which ones cannot be.

The soft limit interrupts a body, which may tidy up; the hard one ends its process. Both must come
before the broker takes a task for lost and hands it out again, over and over.
"""

import asyncio
import signal
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any, Final

from billiard.exceptions import SoftTimeLimitExceeded
from billiard.pool import SIG_SOFT_TIMEOUT
from celery import Celery, Task, current_app
from celery.signals import worker_init
from django.core.checks import CheckMessage, Error, register

from realtime.errors import TimeLimitRefused

FOR_ALL: Final = "A task"


@contextmanager
def soft_limit_cancels() -> Iterator[None]:
    """Have the soft limit cancel the current asyncio task, at its next await.

    By itself its signal raises in whatever code it interrupts. That is as often as not the loop's
    own code or another asyncio task, where it is lost, with what it interrupted (measured: 8 of 40
    times with a body that was busy reading from a socket).
    """
    before, current = _handler(), asyncio.current_task()
    if not before or not current:
        yield
        return
    loop = asyncio.get_running_loop()
    asked: list[asyncio.Handle] = []

    def cancel(*_: Any) -> None:
        asked.append(loop.call_soon_threadsafe(current.cancel))

    signal.signal(SIG_SOFT_TIMEOUT, cancel)
    try:
        yield
    except asyncio.CancelledError as error:
        if asked:
            raise SoftTimeLimitExceeded from error
        raise
    finally:
        signal.signal(SIG_SOFT_TIMEOUT, before)
        for handle in asked:
            handle.cancel()  # The body has ended before: what follows it is not meant.


@contextmanager
def soft_limit_ends() -> Iterator[Callable[[], object]]:
    """Yields what is to be called at the end of a body: until the block's, the soft limit is deaf.

    What tells the job's row how the body has ended must not be interrupted.
    """
    before = _handler()
    if not before:
        yield lambda: None
        return
    try:
        yield lambda: signal.signal(SIG_SOFT_TIMEOUT, signal.SIG_IGN)
    finally:
        signal.signal(SIG_SOFT_TIMEOUT, before)


def _handler() -> Callable[[int, FrameType | None], Any] | None:
    """The pool's own, which raises; None where there are no soft limits, for want of processes."""
    if not SIG_SOFT_TIMEOUT or threading.current_thread() is not threading.main_thread():
        return None
    found = signal.getsignal(SIG_SOFT_TIMEOUT)
    return found if callable(found) else None


def problems(app: Celery) -> list[str]:
    """What is wrong with the time limits of `app` and of its tasks, a sentence each."""
    soft, hard = app.conf.task_soft_time_limit, app.conf.task_time_limit
    again = visibility_timeout(app)
    found = [_problem(FOR_ALL, soft, hard, again)]
    for name, task in sorted(app.tasks.items()):
        if task.soft_time_limit or task.time_limit:
            own = (task.soft_time_limit or soft, task.time_limit or hard)
            found.append(_problem(f"The task {name!r}", *own, again))
    return [problem for problem in found if problem]


def check_call(task: Task[Any, Any], options: Mapping[str, Any]) -> None:
    """Look at the time limits that one call of `task` brings along, as `problems` at all others.

    Raises:
        TimeLimitRefused: they cannot be.
    """
    given = (options.get("soft_time_limit"), options.get("time_limit"))
    if not any(given):
        return
    soft, hard = given[0] or task.soft_time_limit, given[1] or task.time_limit
    again = visibility_timeout(task.app)
    if problem := _problem(f"This call of {task.name!r}", soft, hard, again):
        raise TimeLimitRefused(problem)


def visibility_timeout(app: Celery) -> float | None:
    """Seconds after which the broker hands an unfinished task out again; None if it never does."""
    options: dict[str, Any] = app.conf.broker_transport_options or {}
    transport: Any = app.connection_for_write().get_transport_cls()
    default = getattr(getattr(transport, "Channel", None), "visibility_timeout", None)
    return options.get("visibility_timeout", default) if isinstance(default, int) else None


def _problem(who: str, soft: float | None, hard: float | None, again: float | None) -> str:
    if again and not (hard and hard < again):
        most = f"for {hard} s" if hard else "for ever"
        return (
            f"{who} may run {most}, but after {again} s the broker hands it out again:"
            " the hard time limit must be under the visibility timeout."
        )
    if soft and hard and soft >= hard:
        return (
            f"{who} has a soft time limit of {soft} s and a hard one of {hard} s:"
            " the soft one must come first."
        )
    return ""


@register
def check(**_: Any) -> list[CheckMessage]:
    return [Error(problem, id="realtime.E001") for problem in problems(current_app)]


@worker_init.connect
def refuse(sender: Any, **_: Any) -> None:
    """A worker with such limits does not start; by now it knows all its tasks."""
    if found := problems(sender.app):
        raise SystemExit("\n".join(found))

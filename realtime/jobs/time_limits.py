"""Time limits: how a coroutine body feels the soft one, and which ones cannot be.

The soft limit interrupts a body, which may tidy up; the hard one ends its process. Both must come
before the broker takes a task for lost and hands it out again, over and over.
"""

from collections.abc import Mapping
from typing import Any, Final

from celery import Celery, Task

from realtime.errors import TimeLimitRefused

FOR_ALL: Final = "A task"


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

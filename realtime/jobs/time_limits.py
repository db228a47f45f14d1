"""Time limits: checks that a task ends before the broker delivers it again.

The soft limit interrupts the body of a task, which may clean up. The hard limit ends its process.
A broker such as Redis delivers a task again if it is not finished after the visibility timeout,
so the hard limit must be below it.

Called by Django's system checks, at the start of a worker, and for each call with own limits. How
a worker applies the soft limit is in `realtime.worker.soft_limit`.
"""

from collections.abc import Mapping
from typing import Any, Final

from celery import Celery, Task

from realtime.errors import TimeLimitRefused

FOR_ALL: Final = "All tasks"


def problems(app: Celery) -> list[str]:
    """One sentence for each invalid time limit of `app` and of its tasks."""
    soft, hard = app.conf.task_soft_time_limit, app.conf.task_time_limit
    timeout = visibility_timeout(app)
    sentences = [_problem(FOR_ALL, soft, hard, timeout)]
    for name, task in sorted(app.tasks.items()):
        if task.soft_time_limit or task.time_limit:
            limits = (task.soft_time_limit or soft, task.time_limit or hard)
            sentences.append(_problem(f"Task {name!r}", *limits, timeout))
    return [sentence for sentence in sentences if sentence]


def check_call(task: Task[Any, Any], options: Mapping[str, Any]) -> None:
    """Check the time limits among the options of one call of `task`.

    Raises:
        TimeLimitRefused: a time limit is invalid.
    """
    own = (options.get("soft_time_limit"), options.get("time_limit"))
    if not any(own):
        return
    soft, hard = own[0] or task.soft_time_limit, own[1] or task.time_limit
    timeout = visibility_timeout(task.app)
    if sentence := _problem(f"Call of task {task.name!r}", soft, hard, timeout):
        raise TimeLimitRefused(sentence)


def visibility_timeout(app: Celery) -> float | None:
    """Seconds until the broker delivers an unfinished task again, or None if it never does."""
    options: dict[str, Any] = app.conf.broker_transport_options or {}
    transport: Any = app.connection_for_write().get_transport_cls()
    default = getattr(getattr(transport, "Channel", None), "visibility_timeout", None)
    return options.get("visibility_timeout", default) if isinstance(default, int) else None


def _problem(subject: str, soft: float | None, hard: float | None, timeout: float | None) -> str:
    if timeout and not (hard and hard < timeout):
        value = f"{hard} s" if hard else "not set"
        setting = "CELERY_TASK_TIME_LIMIT" if subject == FOR_ALL else "a lower time_limit"
        return (
            f"{subject}: time_limit ({value}) must be below the broker's visibility_timeout"
            f" ({timeout} s), or the task runs twice. Set {setting}."
        )
    if soft and hard and soft >= hard:
        return (
            f"{subject}: soft_time_limit ({soft} s) must be below time_limit ({hard} s),"
            " or the task cannot clean up. Set a lower soft_time_limit."
        )
    return ""

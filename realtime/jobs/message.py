"""Messages: the fields of a job that say what is published, and their way back to Python."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from celery import Task
from celery.utils.time import maybe_make_aware
from kombu.utils.json import loads

from realtime.jobs.time_limits import check_call
from realtime.serialization import to_json_exact
from realtime.states import Visibility

AnyTask = Task[Any, Any]

PROCESS_BOUND: Final = frozenset({"producer", "publisher", "connection", "result_cls", "task_type"})
"""Options of `apply_async` that exist only in the caller's process and cannot be stored."""


def check_arguments(task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise TypeError if the arguments do not fit the task's signature, as Celery does."""
    if task.typing and hasattr(task, "__header__"):
        task.__header__(*args, **kwargs)


def job_fields_of_task(task: AnyTask) -> dict[str, Any]:
    """The fields that every job of `task` has."""
    return {
        "task": task.name,
        "title": getattr(task, "title", "") or task.name,
        "visibility": getattr(task, "visibility", Visibility.PRIVATE),
        "max_attempts": getattr(task, "max_attempts", 3),
        "phases": [[name, "waiting"] for name, _ in getattr(task, "phases", ())],
    }


def message_fields(
    task: AnyTask,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    options: dict[str, Any],
) -> dict[str, Any]:
    """The fields of a job that say what is published, in a form that can be stored.

    Raises:
        TimeLimitRefused: the call has a time limit that is not below the visibility timeout.
        kombu.exceptions.EncodeError: an argument cannot be written as JSON, or not be stored.
    """
    check_call(task, options)
    options = {
        name: value
        for name, value in options.items()
        if name not in PROCESS_BOUND and value is not None
    }
    if not (options.get("priority") or task.priority):
        options.pop("priority", None)  # On Redis, Celery's `retry` passes 0 for none.
    due_at = _due_at(options)
    expires_at = _moment(options.pop("expires", None) or task.expires)
    return {
        "args": to_json_exact(list(args)),
        "kwargs": to_json_exact(dict(kwargs)),
        "options": to_json_exact(options),
        "queue": _queue_name(task, options),
        "due_at": due_at,
        "expires_at": expires_at,
    }


def decode(value: Any) -> Any:
    """The Python value of JSON that `to_json_exact` made: dates, UUIDs and so on."""
    return loads(json.dumps(value))


def _queue_name(task: AnyTask, options: dict[str, Any]) -> str:
    queue = options.get("queue") or getattr(task, "queue", None)
    if queue is None:
        route = task.app.amqp.router.route(dict(options), task.name)
        queue = route.get("queue")
    return str(getattr(queue, "name", queue) or task.app.conf.task_default_queue)


def _due_at(options: dict[str, Any]) -> datetime | None:
    """Remove `countdown` and `eta` from `options`. The job's `due_at` replaces both."""
    countdown, eta = options.pop("countdown", None), options.pop("eta", None)
    return _moment(countdown or eta)


def _moment(when: float | str | datetime | None) -> datetime | None:
    """A time as Celery accepts it: seconds from now, ISO 8601, or a datetime."""
    if not when:
        return None
    if isinstance(when, int | float):
        return datetime.now(UTC) + timedelta(seconds=when)
    moment = datetime.fromisoformat(when) if isinstance(when, str) else when
    return maybe_make_aware(moment)

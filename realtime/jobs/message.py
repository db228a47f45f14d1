"""Messages: the fields of a job that say what is published, and their way back to Python."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from celery import Task
from celery.utils.time import maybe_make_aware
from kombu import Queue
from kombu.utils.json import loads

from realtime.bounds import shorten
from realtime.jobs import time_limits
from realtime.serialization import clean_text, to_json_exact
from realtime.states import Visibility

AnyTask = Task[Any, Any]

TITLE_MAX: Final = 255
ADDRESS_MAX: Final = 500
PROCESS_BOUND: Final = frozenset({"producer", "publisher", "connection", "result_cls", "task_type"})
"""Options of `apply_async` that exist only in the caller's process and cannot be stored."""


def check_call(
    task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any], options: Mapping[str, Any]
) -> None:
    """Check a call before its job is created.

    Raises:
        TypeError: the arguments do not fit the task's signature, as Celery says it.
        TimeLimitRefused: the call has a time limit that is not below the visibility timeout.
    """
    check_arguments(task, args, kwargs)
    time_limits.check_call(task, options)


def check_arguments(task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise TypeError if the arguments do not fit the task's signature, as Celery does."""
    if task.typing and hasattr(task, "__header__"):
        task.__header__(*args, **kwargs)


def job_fields_of_task(task: AnyTask) -> dict[str, Any]:
    """The fields that every job of `task` has."""
    return {
        "task": task.name,
        "title": as_title(getattr(task, "title", "") or task.name),
        "visibility": getattr(task, "visibility", Visibility.PRIVATE),
        "max_attempts": getattr(task, "max_attempts", 3),
        "phases": [[name, "waiting"] for name, _ in getattr(task, "phases", ())],
    }


def as_title(text: object) -> str:
    text = clean_text(text, TITLE_MAX + 1)
    return shorten(text, TITLE_MAX)


def checked_address(subject_url: str) -> str:
    """The address of what a job is about.

    Raises:
        ValueError: it is too long. A part of an address would lead elsewhere.
    """
    if len(subject_url) > ADDRESS_MAX:
        raise ValueError(
            f"The subject_url of a job has up to {ADDRESS_MAX} characters, not {len(subject_url)}:"
            f" {shorten(subject_url, 80)!r}."
        )
    return subject_url


def message_fields(
    task: AnyTask,
    args: Sequence[Any],
    kwargs: Mapping[str, Any],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """The fields of a job that say what is published, in a form that can be stored.

    Raises:
        kombu.exceptions.EncodeError: an argument cannot be written as JSON, or not be stored.
    """
    # `apply_async` takes an explicit None instead of the task's own option; "no expiry" is one.
    expires = options.get("expires", task.expires)
    options = {
        name: value
        for name, value in options.items()
        if name not in PROCESS_BOUND and (value is not None or _means_none(task, name, options))
    }
    options.pop("expires", None)
    for name in ("queue", "exchange"):
        if name in options:
            options[name] = _name_of(task, options[name])
    due_at = _due_at(options)
    expires_at = _moment(expires)
    return {
        "args": to_json_exact(list(args)),
        "kwargs": to_json_exact(dict(kwargs)),
        "options": to_json_exact(options),
        "queue": _queue_name(task, options),
        "due_at": due_at,
        "expires_at": expires_at,
    }


def options_of_caller(task: AnyTask) -> dict[str, Any]:
    """The options that a message of `task` inherits from the task that this thread runs, if any.

    `Celery.send_task` adds them, but the outbox calls it from the thread of the bus, later.
    """
    caller = task.app.current_worker_task
    if caller is None:
        return {}
    request = caller.request
    options: dict[str, Any] = {"root_id": request.root_id or request.id, "parent_id": request.id}
    if task.app.conf.task_inherit_parent_priority and task.priority is None:
        options["priority"] = (request.delivery_info or {}).get("priority")
    return options


def decode(value: Any) -> Any:
    """The Python value of JSON that `to_json_exact` made: dates, UUIDs and so on."""
    return loads(json.dumps(value))


def _means_none(task: AnyTask, name: str, options: Mapping[str, Any]) -> bool:
    """Whether an option that is None must be in the message: as a stamp, or to replace a value."""
    return name in (options.get("stamped_headers") or ()) or getattr(task, name, None) is not None


def _name_of(task: AnyTask, entity: Any) -> Any:
    """The name of a queue or an exchange, which a row can store.

    Raises:
        ValueError: the app does not know the queue, so its name would stand for another one.
    """
    if isinstance(entity, Queue) and [entity] != [task.app.amqp.queues.get(entity.name)]:
        raise ValueError(
            f"The app does not know the queue {entity.name!r}. Add it to CELERY_TASK_QUEUES, and"
            " pass its name."
        )
    return getattr(entity, "name", entity)


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

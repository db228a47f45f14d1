"""Execution: calls the body of a task and saves the outcome of the run in its job."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

# Celery internal: the handler that billiard's pool installs for the signals that end a process.
from billiard import common
from billiard.exceptions import SoftTimeLimitExceeded
from celery import Task
from celery.exceptions import Ignore, Retry

from realtime.errors import Cancelled, LeaseLost, TimeLimitExceeded
from realtime.progress import Progress
from realtime.worker import outcome
from realtime.worker.run import Run
from realtime.worker.soft_limit import soft_limit_of_body


def execute(task: Task[Any, Any], run: Run, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
    """Call the body of `task`, and save the outcome.

    Raises:
        Ignore: the job was cancelled, or another run has taken it over.
        Exception: the body raised it, and Celery handles it further.
    """
    with soft_limit_of_body() as ignore_soft_limit:
        try:
            try:
                result = _call_body(task, run, args, kwargs)
            finally:
                ignore_soft_limit()
        except (Cancelled, LeaseLost) as stopped:
            _end_stopped(run.progress, stopped)
        except (Exception, KeyboardInterrupt) as error:
            _save_error(task, run, error)
            raise
        outcome.finish(run.progress, result)
        return result


def _call_body(
    task: Task[Any, Any], run: Run, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Any:
    """Call the body; it ends with a result or with an exception that `execute` handles."""
    try:
        result = task.run(*args, **kwargs)
    except (SystemExit, asyncio.CancelledError) as error:
        if common.terminate_handler_fired():  # type: ignore[attr-defined]  # newer than its stubs
            raise  # A signal ends this process: another worker will run the job again.
        raise RuntimeError(f"The body of task {task.name!r} raised {error!r}.") from error
    except BaseExceptionGroup as group:
        if isinstance(group, Exception):
            raise
        run.progress.check()  # It may have stopped one task of an `asyncio.TaskGroup`.
        raise RuntimeError(f"The body of task {task.name!r} raised {group!r}.") from group
    except Retry as retry:
        if run.retry_message is None:
            raise RuntimeError(
                f"The body of task {task.name!r} raised Retry without a call of `self.retry`."
            ) from retry
        raise
    if run.retry_message is not None:  # `self.retry(throw=False)`
        raise Retry
    return result


def _end_stopped(progress: Progress, stopped: Cancelled | LeaseLost) -> NoReturn:
    if isinstance(stopped, Cancelled):
        outcome.cancel(progress)
        raise Ignore(outcome.CANCELLED) from None
    progress.attachment.delete_unused(had_lease=False, is_saved=False)
    raise Ignore("Another run has taken the job over.") from None


def _save_error(task: Task[Any, Any], run: Run, error: BaseException) -> None:
    match error:
        case Ignore():
            outcome.finish(run.progress)
        case Retry():
            outcome.retry_later(run.progress, error, run.retry_message or {})
        case SoftTimeLimitExceeded():
            # Celery internal: the limits of this message, (hard, soft).
            seconds = (task.request.timelimit or (None, None))[1] or task.soft_time_limit
            sentence = f"It took longer than the {seconds} s allowed."
            outcome.fail(run.progress, TimeLimitExceeded(sentence))
        case _:
            outcome.fail(run.progress, error)

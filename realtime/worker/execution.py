"""Execution: calls the body of a task and saves the outcome of the run in its job."""

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from billiard.exceptions import SoftTimeLimitExceeded
from celery import Task
from celery.exceptions import Ignore, Retry

from realtime.errors import Cancelled, LeaseLost, TimeLimitExceeded
from realtime.progress import Progress
from realtime.worker import outcome
from realtime.worker.process_end import ends_process
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
    """Call the body; it ends with a result or with an exception that `execute` handles.

    Some libraries raise an exception that is no `Exception` (PyO3's PanicException, gevent's
    Timeout). It becomes a RuntimeError, unless it ends this process: it would end the run without
    an outcome, and the job would count as one whose worker was lost.
    """
    try:
        result = task.run(*args, **kwargs)
    except Retry as retry:
        if run.retry_message is None:
            raise RuntimeError(
                f"The body of task {task.name!r} raised Retry without a call of `self.retry`."
            ) from retry
        raise
    except (Exception, Cancelled, LeaseLost):
        raise
    except BaseException as error:
        if ends_process(error):
            raise
        if isinstance(error, BaseExceptionGroup):
            run.progress.check()  # It may have stopped one task of an `asyncio.TaskGroup`.
        raise RuntimeError(
            f"The body of task {task.name!r} raised {type(error).__name__}."
        ) from error
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

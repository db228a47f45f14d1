"""The task class that makes every run of a Celery task a job.

Set it as the app's `task_cls`. A task then has `self.progress` and `self.job_id` while it runs,
its body may be `async def`, and these options of the decorator mean something:

    title         what people read; the task's name if there is none
    phases        (("Reading", 1), ("Saving", 9)): the phases and their weights
    outcomes      ("new", "failed"): the words of its items, in the order in which they are shown
    visibility    who may watch: the owner (private), or anyone (public)
    max_attempts  how many workers a run may lose before it is given up (3)
    resumes=True  the body claims its items (`progress.begin`), or looks which are done or wait
                  (`progress.keys`): run again, it does only those left
    secret_args   names of arguments that are shown to nobody
    track=False   the task's runs are no jobs
"""

import asyncio
import inspect
import traceback
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, ClassVar, Final
from uuid import UUID

from asgiref.sync import sync_to_async
from billiard.exceptions import SoftTimeLimitExceeded
from billiard.exceptions import TimeLimitExceeded as HardTimeLimitExceeded
from celery import Task
from celery.exceptions import Ignore, Reject, Retry
from celery.result import AsyncResult
from django.db import (
    InterfaceError,
    OperationalError,
    close_old_connections,
    connection,
    transaction,
)
from kombu.exceptions import EncodeError

from realtime import batches
from realtime.bus import bus
from realtime.enqueue import adopt, as_stored, check_arguments, described, published, save
from realtime.errors import Cancelled, LeaseLost, TimeLimitExceeded, describe
from realtime.limits import soft_limit_cancels
from realtime.models import Job, job_id_of
from realtime.progress import Progress
from realtime.states import Visibility

TRACEBACK_MAX: Final = 20_000
"""Characters of a traceback that are kept, its end."""


@dataclass
class Run:
    """One attempt in progress; `retry_message` is what `retry` asks to publish for the next."""

    progress: Progress
    retry_message: dict[str, Any] | None = None


_running: ContextVar[Run] = ContextVar("realtime_running")


class JobTask(Task[Any, Any]):
    """Celery's `Task`, each run of which is a `realtime.models.Job` of the same id."""

    abstract = True
    track: ClassVar[bool] = True
    title: ClassVar[str] = ""
    phases: ClassVar[Iterable[tuple[str, float]]] = ()
    outcomes: ClassVar[Iterable[str]] = ()
    visibility: ClassVar[Visibility] = Visibility.PRIVATE
    max_attempts: ClassVar[int] = 3
    resumes: ClassVar[bool] = False
    secret_args: ClassVar[Iterable[str]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Make a coroutine body one that Celery, and its `autoretry_for`, can call."""
        super().__init_subclass__(**kwargs)
        body = cls.__dict__.get("run")
        if isinstance(body, staticmethod) and inspect.iscoroutinefunction(body.__func__):
            cls.run = staticmethod(in_loop(body.__func__))  # type: ignore[method-assign]
        elif inspect.iscoroutinefunction(body):
            cls.run = in_loop(body)  # type: ignore[method-assign]

    @property
    def progress(self) -> Progress:
        """The progress of the run that asks; one that nobody watches when called directly."""
        run = _running.get(None)
        if run is None:
            run = Run(Progress(Job(task=self.name, title=self.title), phases=self.phases))
            _running.set(run)
        return run.progress

    @property
    def job_id(self) -> UUID:
        return self.progress.job.pk

    def apply_async(  # type: ignore[override]  # the options are stored as they come
        self,
        args: tuple[Any, ...] | None = None,
        kwargs: dict[str, Any] | None = None,
        task_id: str | None = None,
        **options: Any,
    ) -> AsyncResult[Any]:
        """Celery's `apply_async`, through the outbox: the job is saved, then published.

        Called in a transaction, it is published after the commit, or not at all. It raises
        nothing when the broker is down; the job waits for it.
        """
        if not self.track:
            return super().apply_async(args, kwargs, task_id=task_id, **options)
        args, kwargs = args or (), kwargs or {}
        check_arguments(self, args, kwargs)
        message = published(self, args, kwargs, options)
        run = _running.get(None)
        if run and task_id and run.progress.job.pk == job_id_of(task_id):
            run.retry_message = message  # Celery's `retry` asks; the row changes once it raised.
            return self.AsyncResult(task_id)
        job = Job(**described(self), **message)
        if task_id:
            job.pk = job_id_of(task_id)
        eager = self.app.conf.task_always_eager
        save(job, publish=not eager)
        if eager:
            return super().apply_async(args, kwargs, task_id=str(job.pk), **options)
        return self.AsyncResult(task_id or str(job.pk))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.track or self._is_called_as_a_function():
            return super().__call__(*args, **kwargs)
        job = alive(self._claim)
        if job is None:
            raise Ignore("Somebody else has this job, or it has ended.")
        run = Run(Progress(job, phases=self.phases))
        token = _running.set(run)
        bus().follow(run.progress)
        try:
            return self._run(run, args, kwargs)
        finally:
            bus().unfollow(run.progress)
            _running.reset(token)

    def on_failure(
        self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any
    ) -> None:
        """Also called in the worker's main process, once it has killed the child for its time."""
        if self.track and isinstance(exc, HardTimeLimitExceeded):
            bus().kill(job_id_of(task_id), f"It was stopped: it took over {exc.args[0]} s.")

    def _is_called_as_a_function(self) -> bool:
        """Whether not the worker calls, but code: perhaps the very job's, while it runs."""
        request, run = self.request, _running.get(None)
        if request.called_directly or not request.id:
            return True
        return run is not None and run.progress.job.pk == job_id_of(request.id)

    def _claim(self) -> Job | None:
        request = self.request
        task_id = request.id or ""
        job_id = job_id_of(task_id)
        worker = request.hostname or "this process"
        job = Job.objects.claim(job_id, worker=worker)
        if job is None and not Job.objects.filter(pk=job_id).exists():
            queue = (request.delivery_info or {}).get("routing_key") or ""
            adopt(self, task_id, request.args or (), request.kwargs or {}, queue=queue)
            job = Job.objects.claim(job_id, worker=worker)
        return job

    def _run(self, run: Run, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        progress = run.progress
        try:
            result = self.run(*args, **kwargs)
        except Ignore:
            finish(progress, result=None)
            raise
        except Reject as reject:
            fail(progress, reject)
            raise
        except Retry as retry:
            retry_later(run, retry)
            raise
        except Cancelled:
            end(progress, Job.objects.cancel_running)
            batches.cancel_rest(progress.job)
            raise Ignore("The job was cancelled.") from None
        except LeaseLost:
            raise Ignore("Another run has taken the job over.") from None
        except SoftTimeLimitExceeded:
            limit = (self.request.timelimit or (None, None))[1] or self.soft_time_limit
            fail(progress, TimeLimitExceeded(f"It took longer than the {limit} s allowed."))
            raise
        except Exception as error:
            fail(progress, error)
            raise
        finish(progress, result=stored_result(result))
        return result


def alive(claim: Callable[[], Job | None]) -> Job | None:
    """`claim()`, and once more if the database has hung up since the worker's last task.

    A claim whose answer was lost finds nothing then, and is found by its lease.
    """
    try:
        return claim()
    except (InterfaceError, OperationalError):
        if connection.in_atomic_block or (connection.connection and connection.is_usable()):
            raise
        connection.close()
        return claim()


def in_loop(body: Callable[..., Coroutine[Any, Any, Any]]) -> Callable[..., Any]:
    """A plain function that runs a coroutine function in an event loop of its own.

    Celery has no coroutine support. The loop runs in the calling thread, where `self.request`
    works, and the ORM's calls in asgiref's thread, whose connections are closed at the end.
    """

    @wraps(body)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            with asyncio.Runner() as runner:
                return runner.run(main(args, kwargs))
        except asyncio.CancelledError:
            if running := _running.get(None):
                running.progress.check()
            raise

    async def main(args: Any, kwargs: Any) -> Any:
        if running := _running.get(None):
            running.progress.on_stop(_cancel_from_anywhere())
        try:
            with soft_limit_cancels():
                return await body(*args, **kwargs)
        finally:
            await sync_to_async(close_old_connections)()

    return run


def _cancel_from_anywhere() -> Callable[[], object]:
    """A function that cancels the current asyncio task, to be called in any thread."""
    loop, current = asyncio.get_running_loop(), asyncio.current_task()
    return lambda: loop.call_soon_threadsafe(current.cancel) if current else None


def retry_later(run: Run, retry: Retry) -> None:
    message = run.retry_message
    if message is None:
        raise RuntimeError("A task raised Retry without calling `self.retry`.") from retry
    error = retry.exc if isinstance(retry.exc, BaseException) else None
    end(
        run.progress,
        Job.objects.retry_later,
        error=describe(error)[1] if error else "",
        traceback=traceback.format_exc()[-TRACEBACK_MAX:],
        args=message["args"],
        kwargs=message["kwargs"],
        options=message["options"],
        due_at=message["due_at"] or datetime.now(UTC),
    )


def finish(progress: Progress, *, result: Any) -> None:
    end(progress, Job.objects.finish, result=result, file=progress.attachment.stored())


def fail(progress: Progress, error: Exception) -> None:
    code, sentence = describe(error)
    end(
        progress,
        Job.objects.fail,
        code=code,
        error=sentence,
        traceback=traceback.format_exc()[-TRACEBACK_MAX:],
    )


def end(progress: Progress, verb: Callable[..., bool], **fields: Any) -> None:
    """Move the job on by `verb`, with its last progress and items, all or nothing."""
    bus().unfollow(progress)
    with progress.write_lock, transaction.atomic() if progress.owes_items() else nullcontext():
        held = verb(progress.job, **fields, **progress.look())
        if held:
            progress.save_items()
    progress.attachment.settle(held=held, kept=bool(fields.get("file")))


def stored_result(result: Any) -> Any:
    """`result` as JSON; None when it cannot be written so, as nobody could be shown it."""
    try:
        return as_stored(result)
    except (EncodeError, TypeError):
        return None

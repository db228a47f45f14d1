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
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context, copy_context
from typing import Any, ClassVar
from uuid import UUID

from billiard import common
from billiard.exceptions import SoftTimeLimitExceeded
from billiard.exceptions import TimeLimitExceeded as HardTimeLimitExceeded
from celery import Task
from celery.exceptions import Ignore, Reject, Retry
from celery.result import AsyncResult

from realtime.bus.bus import bus
from realtime.database import retry_if_disconnected
from realtime.errors import Cancelled, LeaseLost, TimeLimitExceeded
from realtime.jobs import lease
from realtime.jobs.create import adopt, save
from realtime.jobs.message import check_arguments, job_fields_of_task, message_fields
from realtime.models import Job, job_id_of
from realtime.progress.phases import Phases
from realtime.progress.progress import Progress
from realtime.states import Visibility
from realtime.worker import outcome
from realtime.worker.coroutine import in_event_loop
from realtime.worker.run import Run, current_run, runtime
from realtime.worker.soft_limit import soft_limit_ends


class JobTask(Task[Any, Any]):
    """Celery's `Task`, each run of which is a `realtime.models.job.Job` of the same id."""

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
        """Make a coroutine body one that Celery, and its `autoretry_for`, can call.

        Raises:
            ValueError: a phase has no name or weight that can be.
        """
        super().__init_subclass__(**kwargs)
        Phases(cls.phases)  # which raises where they cannot be
        body = cls.__dict__.get("run")
        if isinstance(body, staticmethod) and inspect.iscoroutinefunction(body.__func__):
            cls.run = staticmethod(in_event_loop(body.__func__))  # type: ignore[method-assign]
        elif inspect.iscoroutinefunction(body):
            cls.run = in_event_loop(body)  # type: ignore[method-assign]

    @property
    def progress(self) -> Progress:
        """The progress of the run that asks; one that nobody watches when called directly."""
        run = current_run.get(None)
        if run is None:
            run = self._unwatched()
            current_run.set(run)
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
        message = message_fields(self, args, kwargs, options)
        run = current_run.get(None)
        if run and task_id and run.progress.job.pk == job_id_of(task_id):
            run.retry_message = message  # Celery's `retry` asks; the row changes once it raised.
            return self.AsyncResult(task_id)
        job = Job(**job_fields_of_task(self), **message)
        if task_id:
            job.pk = job_id_of(task_id)
        eager = self.app.conf.task_always_eager
        save(job, publish=not eager)
        if eager:
            Job.objects.filter(pk=job.pk).update(due_at=None)
            return super().apply_async(args, kwargs, task_id=str(job.pk), **options)
        return self.AsyncResult(task_id or str(job.pk))

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.track:
            return super().__call__(*args, **kwargs)
        if self._is_called_as_a_function():
            return self._context().run(super().__call__, *args, **kwargs)
        job = retry_if_disconnected(self._claim)  # One whose answer was lost is found by its lease.
        if job is None:
            raise Ignore("Somebody else has this job, or it has ended.")
        run = Run(runtime().create_progress(job, phases=self.phases))
        token = current_run.set(run)
        runtime().follow(run.progress)
        try:
            with soft_limit_ends() as is_over:
                return self._run(run, args, kwargs, is_over)
        finally:
            runtime().unfollow(run.progress)
            current_run.reset(token)

    def on_failure(
        self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any
    ) -> None:
        """Also called in the worker's main process, once it has killed the child for its time."""
        if self.track and isinstance(exc, HardTimeLimitExceeded):
            bus().kill(job_id_of(task_id), f"It was stopped: it took over {exc.args[0]} s.")

    def _is_called_as_a_function(self) -> bool:
        """Whether not the worker calls, but code: perhaps the very job's, while it runs."""
        request, run = self.request, current_run.get(None)
        if request.called_directly or not request.id:
            return True
        return run is not None and run.progress.job.pk == job_id_of(request.id)

    def _context(self) -> Context:
        """For a call as a function: within a job its progress is the job's, otherwise its own."""
        context, run = copy_context(), current_run.get(None)
        if run is None or not run.progress.job.is_claimed:
            context.run(current_run.set, self._unwatched())
        return context

    def _unwatched(self) -> Run:
        return Run(Progress(Job(task=self.name, title=self.title), phases=self.phases))

    def _claim(self) -> Job | None:
        request = self.request
        task_id = request.id or ""
        job_id = job_id_of(task_id)
        worker = request.hostname or "this process"
        job = lease.claim(job_id, worker=worker)
        if job is None and not Job.objects.filter(pk=job_id).exists():
            queue = (request.delivery_info or {}).get("routing_key") or ""
            adopt(self, task_id, request.args or (), request.kwargs or {}, queue=queue)
            job = lease.claim(job_id, worker=worker)
        return job

    def _run(
        self,
        run: Run,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        is_over: Callable[[], object],
    ) -> Any:
        """Call the body, and tell the row how it has ended; `is_over` is called between the two."""
        progress = run.progress
        try:
            try:
                result = self._body(run, args, kwargs)
            finally:
                is_over()
        except Ignore:
            outcome.finish(progress)
            raise
        except Reject as reject:
            outcome.fail(progress, reject)
            raise
        except Retry as retry:
            outcome.retry_later(progress, retry, run.retry_message or {})
            raise
        except Cancelled:
            outcome.cancel(progress)
            raise Ignore(outcome.CANCELLED) from None
        except LeaseLost:
            progress.attachment.delete_unused(had_lease=False, is_saved=False)
            raise Ignore("Another run has taken the job over.") from None
        except SoftTimeLimitExceeded:
            limit = (self.request.timelimit or (None, None))[1] or self.soft_time_limit
            outcome.fail(progress, TimeLimitExceeded(f"It took longer than the {limit} s allowed."))
            raise
        except (Exception, KeyboardInterrupt) as error:
            outcome.fail(progress, error)
            raise
        outcome.finish(progress, result)
        return result

    def _body(self, run: Run, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """Call it, and have it end with a result or with an exception that Celery handles."""
        try:
            result = self.run(*args, **kwargs)
        except (SystemExit, asyncio.CancelledError) as error:
            if common.terminate_handler_fired():  # type: ignore[attr-defined]  # newer than its stubs
                raise  # A signal ends this process: somebody else will go on with the job.
            raise RuntimeError(f"The task's body ended itself with {error!r}.") from error
        except BaseExceptionGroup as group:
            if isinstance(group, Exception):
                raise
            run.progress.check()  # It may have stopped one task of an `asyncio.TaskGroup`.
            raise RuntimeError(f"The task's body ended itself with {group!r}.") from group
        except Retry as retry:
            if run.retry_message is None:
                raise RuntimeError("A task raised Retry without calling `self.retry`.") from retry
            raise
        if run.retry_message is not None:  # `self.retry(throw=False)`
            raise Retry
        return result

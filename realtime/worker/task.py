"""JobTask: the task class that makes every run of a Celery task a job.

Set it as the app's `task_cls`. A task then has `self.progress` and `self.job_id` while it runs,
its body may be `async def`, and the decorator takes these options:

    title         what people read; the task's name if there is none
    phases        (("Reading", 1), ("Saving", 9)): the phases and their weights
    outcomes      ("new", "failed"): the outcomes of its items, in the order of the page
    visibility    who may watch: the owner (private), or anyone (public)
    max_attempts  how many times the job may lose its worker before it fails (3)
    resumes=True  the body claims its items (`progress.begin`), or reads which are done or wait
                  (`progress.keys`): when it runs again, it does only the others
    secret_args   names of arguments that no page shows
    track=False   the runs of the task are not jobs
"""

import inspect
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from billiard.exceptions import TimeLimitExceeded as HardTimeLimitExceeded
from celery import Task

# Celery internal: an option of the message replaces that of the task.
from celery.app.task import get_actual_ignore_result  # type: ignore[attr-defined]  # newer
from celery.exceptions import Ignore
from celery.result import AsyncResult

from realtime.bus.bus import bus
from realtime.database import retry_if_disconnected
from realtime.jobs import lease
from realtime.jobs.create import adopt, save
from realtime.jobs.message import (
    check_call,
    job_fields_of_task,
    message_fields,
    options_of_caller,
)
from realtime.models import Job, job_id_of
from realtime.progress import Progress
from realtime.progress.phases import Phases
from realtime.states import Visibility
from realtime.worker.coroutine import in_event_loop
from realtime.worker.execution import execute
from realtime.worker.run import Run, current_run, runtime


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
        """Wrap a coroutine body so that Celery, and its `autoretry_for`, can call it.

        Raises:
            ValueError: the name or weight of a phase is not allowed.
        """
        super().__init_subclass__(**kwargs)
        Phases(cls.phases)  # raises for a phase that is not allowed
        body = cls.__dict__.get("run")
        if isinstance(body, staticmethod) and inspect.iscoroutinefunction(body.__func__):
            cls.run = staticmethod(in_event_loop(body.__func__))  # type: ignore[method-assign]
        elif inspect.iscoroutinefunction(body):
            cls.run = in_event_loop(body)  # type: ignore[method-assign]

    @property
    def progress(self) -> Progress:
        """The progress of the current call; outside of a call, a new one without a job row."""
        run = current_run.get(None) or self._unsaved_run()
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
        """Save a job, and publish it through the outbox; takes the arguments of Celery's method.

        In a transaction the job is published after the commit, or not at all. When the broker is
        down, nothing is raised: the job is published when the broker is back.
        """
        if not self.track:
            return super().apply_async(args, kwargs, task_id=task_id, **options)
        args, kwargs = args or (), kwargs or {}
        check_call(self, args, kwargs, options)
        run = current_run.get(None)
        if run and task_id and run.progress.job.pk == job_id_of(task_id):
            # Celery's `retry` calls this. The job changes only when `retry` has raised.
            run.retry_message = message_fields(self, args, kwargs, options)
            return self.AsyncResult(task_id)
        message = message_fields(self, args, kwargs, options_of_caller(self) | options)
        job = Job(**job_fields_of_task(self), **message)
        if task_id:
            job.pk = job_id_of(task_id)
        if self.app.conf.task_always_eager:
            save(job, publish=False)
            Job.objects.filter(pk=job.pk).update(due_at=None)
            return super().apply_async(args, kwargs, task_id=str(job.pk), **options)
        save(job, publish=True)
        return self._result(task_id or str(job.pk), options)

    def _result(self, task_id: str, options: dict[str, Any]) -> AsyncResult[Any]:
        """What `Celery.send_task` returns: the caller's task has it among its children."""
        result = self.AsyncResult(task_id)
        result.ignored = options.get("ignore_result", self.ignore_result)
        caller = self.app.current_worker_task
        if caller and options.get("add_to_parent", True):
            caller.add_trail(result)
        return result

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if not self.track or self._is_direct_call():
            with self._own_progress():
                return super().__call__(*args, **kwargs)
        # If the answer to the first claim is lost, the job is rescued when its lease ends.
        job = retry_if_disconnected(self._claim)
        if job is None:
            raise Ignore(
                f"Job {self.request.id} is not claimable: already running, finished or cancelled."
            )
        run = Run(partial(runtime().create_progress, job, phases=self.phases))
        token = current_run.set(run)
        runtime().add_run(run.progress)
        try:
            return execute(self, run, args, kwargs)
        finally:
            runtime().remove_run(run.progress)
            current_run.reset(token)

    def on_failure(
        self, exc: BaseException, task_id: str, args: Any, kwargs: Any, einfo: Any
    ) -> None:
        """Celery also calls it in the main process of a worker that has killed a child process."""
        if self.track and isinstance(exc, HardTimeLimitExceeded):
            error = f"It was stopped: it took over {exc.args[0]} s."
            bus().fail_killed_job(job_id_of(task_id), error)

    def _is_direct_call(self) -> bool:
        """Whether other code calls the task, not the worker; it may be the body of the same job."""
        # Celery internal: `called_directly` is unset only while the worker runs the task.
        request, run = self.request, current_run.get(None)
        if request.called_directly or not request.id:
            return True
        return run is not None and run.progress.job.pk == job_id_of(request.id)

    @contextmanager
    def _own_progress(self) -> Iterator[None]:
        """A call in the body of a job uses the progress of that job; any other has its own."""
        run = current_run.get(None)
        if run is not None and run.progress.job.is_claimed:
            yield
            return
        token = current_run.set(self._unsaved_run())
        try:
            yield
        finally:
            current_run.reset(token)

    def _unsaved_run(self) -> Run:
        return Run(lambda: Progress(Job(task=self.name, title=self.title), phases=self.phases))

    def _claim(self) -> Job | None:
        request = self.request
        task_id = request.id or ""
        job_id = job_id_of(task_id)
        worker = request.hostname or "this process"
        job = lease.claim(job_id, worker=worker)
        if job is None and not Job.objects.filter(pk=job_id).exists():
            self._adopt(task_id)
            job = lease.claim(job_id, worker=worker)
        return job

    def _adopt(self, task_id: str) -> None:
        """Create the row of the message that this worker runs, with all the message's options."""
        request = self.request
        delivery: Mapping[str, Any] = request.delivery_info or {}
        options = request.as_execution_options() | {
            "ignore_result": get_actual_ignore_result(self, request),
            "priority": delivery.get("priority"),
        }
        del options["task_id"]
        queue = delivery.get("routing_key") or ""
        args, kwargs = request.args or (), request.kwargs or {}
        adopt(self, task_id, args, kwargs, queue=queue, options=options)

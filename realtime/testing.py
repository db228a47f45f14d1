"""run_task: runs a task in a test, and returns its job and its snapshots.

    def test_an_import_counts_its_photos() -> None:
        run = run_task(import_photos, tags="sea", limit=4)
        assert run.job.state == JobState.SUCCEEDED
        assert run.snapshots[-1].counts == {"new": 4}
        assert set(run.outcomes.values()) == {"new"}

It is one attempt as a worker makes it, but needs no broker, no Redis and no bus. Viewers of a real
run receive only some of these snapshots, at most ten a second, and always the last one.
"""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from asgiref.sync import async_to_sync
from celery.app.trace import build_tracer

from realtime.bus.runs import ESTIMATES
from realtime.jobs.create import save
from realtime.jobs.message import check_arguments, job_fields_of_task, message_fields
from realtime.models import Job, JobItem
from realtime.progress.progress import Progress
from realtime.snapshots.build import load_for_snapshots, public
from realtime.snapshots.schema import Snapshot
from realtime.tasks import JobTask
from realtime.worker.run import Runtime, use_runtime

T = TypeVar("T")

WORKER: Final = "celery@test"


@dataclass(frozen=True, kw_only=True)
class Run:
    """`job` is the row after the run; `snapshots` are all from the queued one to the last."""

    job: Job
    snapshots: list[Snapshot]

    @property
    def items(self) -> list[JobItem]:
        """The items, in the order of their first entry."""
        return list(self.job.items.order_by("pk"))

    @property
    def outcomes(self) -> dict[str, str]:
        return {item.key: item.outcome for item in self.items}

    @property
    def messages(self) -> list[str]:
        """The messages of all snapshots, without repetitions."""
        messages = [snapshot.message for snapshot in self.snapshots]
        pairs = zip(["", *messages], messages, strict=False)
        return [message for previous, message in pairs if message not in ("", previous)]


def run_task(task: Any, *args: Any, **kwargs: Any) -> Run:
    """Run `task` with these arguments as a worker would, once.

    An exception of the body is not raised here: it is in `run.job`, as `state`, `error` and
    `traceback`. A retry does not run; the job is then `retrying`.

    Call it without a running event loop. The ORM's calls of an `async def` body run in the thread
    of the test, so that they see its transaction.

    Raises:
        TypeError: the arguments do not fit the task's signature.
    """
    check_arguments(task, args, kwargs)
    job = Job(**job_fields_of_task(task), **message_fields(task, args, kwargs, {}))
    save(job, publish=False)
    recorder = Recorder(load_for_snapshots([job.pk])[0])
    with use_runtime(_runtime(task, recorder)):
        request = {"id": str(job.pk), "hostname": WORKER, "delivery_info": {}}
        # Celery internal: `Task.apply` would run retries at once.
        tracer = build_tracer(task.name, task, app=task.app)
        tracer(str(job.pk), job.args, job.kwargs, request)
    [job] = load_for_snapshots([job.pk])
    recorder.record(job)
    return Run(job=job, snapshots=recorder.snapshots)


class Recorder:
    def __init__(self, job: Job) -> None:
        self.snapshots = [public(job)]

    def record(self, job: Job) -> None:
        self.snapshots.append(public(job))


class RecordedProgress(Progress):
    """Records every change; the bus sends only the newest values, ten times a second."""

    def __init__(self, job: Job, *, recorder: Recorder, **options: Any) -> None:
        self._recorder: Recorder | None = None  # Nothing is recorded before __init__ has ended.
        super().__init__(job, **options)
        self._recorder = recorder
        self._recorded: dict[str, Any] = {}
        self._record()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in {"_done", "_total", "_unit", "_message"}:
            self._record()

    def item(self, key: str, outcome: str, **entry: Any) -> None:
        self._as_one_change(super().item, key, outcome, **entry)

    def begin(self, key: str, outcome: str, **entry: Any) -> bool:
        return self._as_one_change(super().begin, key, outcome, **entry)

    def settle(self, key: str, outcome: str, **entry: Any) -> None:
        self._as_one_change(super().settle, key, outcome, **entry)

    def skip(self, units: int = 1) -> None:
        self._as_one_change(super().skip, units)

    def plan(self, *phases: tuple[str, float]) -> None:
        self._as_one_change(super().plan, *phases)

    @contextmanager
    def phase(self, name: str, **options: Any) -> Iterator[None]:
        with ExitStack() as stack:
            self._as_one_change(stack.enter_context, super().phase(name, **options))
            yield
        self._record()

    def fields(self) -> dict[str, Any]:
        with self._unrecorded():  # It raises `total` to `done`.
            return super().fields()

    def _as_one_change(self, call: Callable[..., T], *args: Any, **options: Any) -> T:
        """Record the changes that `call` makes as one."""
        with self._unrecorded():
            result = call(*args, **options)
        self._record()
        return result

    @contextmanager
    def _unrecorded(self) -> Iterator[None]:
        recorder, self._recorder = self._recorder, None
        try:
            yield
        finally:
            self._recorder = recorder

    def _record(self) -> None:
        if self._recorder is None:
            return
        fields = self.fields()
        current = {name: value for name, value in fields.items() if name not in ESTIMATES}
        if current == self._recorded:
            return
        self._recorded = current
        self.job.tick += 1
        job = copy(self.job)
        for name, value in fields.items():
            setattr(job, name, value)
        self._recorder.record(job)


def _runtime(task: JobTask, recorder: Recorder) -> Runtime:
    """The runtime of a worker, without the bus and in the thread of the test."""
    return Runtime(
        create_progress=partial(RecordedProgress, recorder=recorder),
        add_run=_do_nothing,
        remove_run=_do_nothing,
        create_runner=partial(InlineLoop, task),
        close_connections=_do_nothing,  # The test still needs its connection.
    )


def _do_nothing(*_: object) -> None:
    pass


class InlineLoop:
    """Replaces `asyncio.Runner`: `sync_to_async` runs its function in the thread of the test."""

    def __init__(self, task: JobTask) -> None:
        self._task = task

    def __enter__(self) -> "InlineLoop":
        return self

    def __exit__(self, *error: object) -> None: ...

    def run(self, body: Coroutine[Any, Any, T]) -> T:
        # Celery internal: it has one stack of requests per thread.
        request = self._task.request_stack.top

        async def main() -> T:
            self._task.request_stack.push(request)
            return await body

        return async_to_sync(main)()

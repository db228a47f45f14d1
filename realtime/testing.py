"""For tests of tasks: run one here and now, and look at what its watchers would have been shown.

    def test_an_import_counts_its_photos() -> None:
        run = run_task(import_photos, tags="sea", limit=4)
        assert run.job.state == JobState.SUCCEEDED
        assert run.snapshots[-1].counts == {"new": 4}
        assert set(run.outcomes.values()) == {"new"}

It is one attempt by a worker, with its claim, its ledger and its end, but without broker, Redis or
bus. A watcher of a real run is shown some of these snapshots, at most ten a second, and the last.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, contextmanager
from copy import copy
from dataclasses import dataclass
from functools import partial
from types import SimpleNamespace
from typing import Any, Final, TypeVar
from unittest.mock import patch

from asgiref.sync import async_to_sync
from celery.app.trace import build_tracer

from realtime.enqueue import check_arguments, described, published, save
from realtime.follow import ESTIMATES
from realtime.models import Job, JobItem
from realtime.progress import Progress
from realtime.snapshots import load, public
from realtime.tasks import JobTask
from realtime.wire import Snapshot

T = TypeVar("T")

WORKER: Final = "celery@test"


@dataclass(frozen=True, kw_only=True)
class Run:
    """What came of it: `job` is its row afterwards, `snapshots` all from queued to the end."""

    job: Job
    snapshots: list[Snapshot]

    @property
    def items(self) -> list[JobItem]:
        """The ledger, in the order in which its entries were first made."""
        return list(self.job.items.order_by("pk"))

    @property
    def outcomes(self) -> dict[str, str]:
        return {item.key: item.outcome for item in self.items}

    @property
    def messages(self) -> list[str]:
        """The sentences that were shown, each once in a row."""
        shown = [snapshot.message for snapshot in self.snapshots]
        pairs = zip(["", *shown], shown, strict=False)
        return [message for before, message in pairs if message not in ("", before)]


def run_task(task: Any, *args: Any, **kwargs: Any) -> Run:
    """Run `task` with these arguments as a worker would, once.

    What its body raises is not raised here: it is in `run.job`, as `state`, `error` and
    `traceback`. A retry is not run; the job is then `retrying`.

    It needs the test's database, and no running event loop. The ORM's calls of an `async def` body
    are made in the test's own thread, so that they see its transaction.

    Raises:
        TypeError: the arguments do not fit the task's signature.
    """
    check_arguments(task, args, kwargs)
    job = Job(**described(task), **published(task, args, kwargs, {}))
    save(job, publish=False)
    watcher = Watcher(load([job.pk])[0])
    with _at_hand(task, watcher):
        request = {"id": str(job.pk), "hostname": WORKER, "delivery_info": {}}
        tracer = build_tracer(task.name, task, app=task.app)
        tracer(str(job.pk), job.args, job.kwargs, request)
    ended = load([job.pk])[0]
    watcher.show(ended)
    return Run(job=ended, snapshots=watcher.snapshots)


class Watcher:
    """Somebody who misses nothing."""

    def __init__(self, job: Job) -> None:
        self.snapshots = [public(job)]

    def show(self, job: Job) -> None:
        self.snapshots.append(public(job))


class Watched(Progress):
    """Shows its watcher every change, and not just the newest ten times a second."""

    def __init__(self, job: Job, *, watcher: Watcher, **options: Any) -> None:
        self._watcher: Watcher | None = None
        super().__init__(job, **options)
        self._watcher = watcher
        self._shown: dict[str, Any] = {}
        self._tell()

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in {"done", "total", "unit", "message"}:
            self._tell()

    def item(self, key: str, outcome: str, **entry: Any) -> None:
        self._quietly(super().item, key, outcome, **entry)

    def begin(self, key: str, outcome: str, **entry: Any) -> bool:
        return self._quietly(super().begin, key, outcome, **entry)

    def settle(self, key: str, outcome: str, **entry: Any) -> None:
        self._quietly(super().settle, key, outcome, **entry)

    def skip(self, units: int = 1) -> None:
        self._quietly(super().skip, units)

    def plan(self, *phases: tuple[str, float]) -> None:
        self._quietly(super().plan, *phases)

    @contextmanager
    def phase(self, name: str, **options: Any) -> Iterator[None]:
        with ExitStack() as stack:
            self._quietly(stack.enter_context, super().phase(name, **options))
            yield
        self._tell()

    def look(self) -> dict[str, Any]:
        with self._unwatched():  # it sets a total right that more has been done than
            return super().look()

    def _quietly(self, call: Callable[..., T], *args: Any, **options: Any) -> T:
        """Several changes at once are one."""
        with self._unwatched():
            done = call(*args, **options)
        self._tell()
        return done

    @contextmanager
    def _unwatched(self) -> Iterator[None]:
        watcher, self._watcher = self._watcher, None
        try:
            yield
        finally:
            self._watcher = watcher

    def _tell(self) -> None:
        if self._watcher is None:
            return
        fields = self.look()
        seen = {name: value for name, value in fields.items() if name not in ESTIMATES}
        if seen == self._shown:
            return
        self._shown = seen
        self.job.tick += 1
        shown = copy(self.job)
        for name, value in fields.items():
            setattr(shown, name, value)
        self._watcher.show(shown)


@contextmanager
def _at_hand(task: JobTask, watcher: Watcher) -> Iterator[None]:
    """The worker's surroundings, without what other processes and threads do in them."""
    loop = SimpleNamespace(**vars(asyncio) | {"Runner": partial(Here, task)})
    bus = SimpleNamespace(follow=_nothing, unfollow=_nothing)
    with (
        patch("realtime.tasks.Progress", partial(Watched, watcher=watcher)),
        patch("realtime.tasks.bus", lambda: bus),
        patch("realtime.ends.bus", lambda: bus),
        patch("realtime.tasks.asyncio", loop),
        patch("realtime.tasks.close_old_connections", _nothing),  # the test's is still needed
    ):
        yield


def _nothing(*_: object) -> None:
    pass


class Here:
    """In place of `asyncio.Runner`: code that is not async is run in the thread of the test."""

    def __init__(self, task: JobTask) -> None:
        self._task = task

    def __enter__(self) -> "Here":
        return self

    def __exit__(self, *failure: object) -> None:
        pass

    def run(self, body: Coroutine[Any, Any, T]) -> T:
        request = self._task.request_stack.top

        async def main() -> T:
            self._task.request_stack.push(request)  # Celery keeps it by thread.
            return await body

        return async_to_sync(main)()

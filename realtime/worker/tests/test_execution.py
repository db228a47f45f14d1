import asyncio
import os
import signal
import time

import pytest
from billiard import common
from billiard.exceptions import SoftTimeLimitExceeded
from celery.exceptions import Ignore, Retry

from realtime.errors import UNEXPECTED, Cancelled, LeaseLost, Stopped
from realtime.files.storage import folder_of
from realtime.models import Job
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.worker.tests.run_body import Body, async_task, run, sync_task

pytestmark = pytest.mark.django_db


def test_the_return_value_is_the_result_of_the_job() -> None:
    job = run(sync_task, lambda self, a, b: {"sum": a + b}, 1, 2)
    assert (job.state, job.result, job.attempt) == (JobState.SUCCEEDED, {"sum": 3}, 1)
    assert [event.state for event in job.events.all()] == ["queued", "running", "succeeded"]


def test_a_soft_time_limit_fails_the_job_with_a_sentence() -> None:
    def slow(self: JobTask) -> None:
        raise SoftTimeLimitExceeded

    job = run(sync_task, slow)
    assert (job.error_code, job.error) == ("time_limit", "It took longer than the 7 s allowed.")


def test_a_body_that_raises_ignore_has_succeeded() -> None:
    def ignore(self: JobTask) -> None:
        raise Ignore

    assert run(sync_task, ignore).state == JobState.SUCCEEDED


def test_a_body_that_is_stopped_by_a_cancel_request_is_cancelled() -> None:
    def stop(self: JobTask) -> None:
        self.progress.item("1", "new")
        self.progress.stop(Cancelled())
        self.progress.advance()

    job = run(sync_task, stop)
    assert job.state == JobState.CANCELLED
    assert job.items.count() == 1


def test_any_other_exception_group_fails_the_job() -> None:
    def fail(self: JobTask) -> None:
        raise ExceptionGroup("both", [KeyError("a"), ValueError("b")])

    def end(self: JobTask) -> None:
        raise BaseExceptionGroup("all", [GeneratorExit(), ValueError("b")])

    assert run(sync_task, fail).error_code == "ExceptionGroup"
    job = run(sync_task, end)
    assert (job.state, job.error_code) == (JobState.FAILED, "RuntimeError")


def test_a_keyboard_interrupt_ends_the_process() -> None:
    def interrupted(self: JobTask) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(sync_task, interrupted)
    job = Job.objects.get()
    assert (job.state, job.error_code) == (JobState.FAILED, "KeyboardInterrupt")


def test_a_run_without_its_lease_does_not_change_the_job() -> None:
    def lose(self: JobTask) -> None:
        Job.objects.filter(pk=self.job_id).update(attempt=9)
        self.progress.stop(LeaseLost())
        self.progress.advance()

    job = run(sync_task, lose)
    assert (job.state, job.attempt) == (JobState.RUNNING, 9)


class PanicException(BaseException):
    """Like the one of PyO3, by which a panic of Rust code arrives in Python."""


class Unprintable(BaseException):
    def __repr__(self) -> str:
        raise RuntimeError

    __str__ = __repr__


def exits(self: JobTask) -> None:
    raise SystemExit(2)


def panics(self: JobTask) -> None:
    raise PanicException("index out of bounds")


def is_unprintable(self: JobTask) -> None:
    raise Unprintable


def ends_as_a_generator(self: JobTask) -> None:
    raise GeneratorExit


def is_stopped_by_nobody(self: JobTask) -> None:
    raise Stopped


def raises_retry(self: JobTask) -> None:
    raise Retry


async def cancels_itself(self: JobTask) -> None:
    raise asyncio.CancelledError


async def panics_after_an_await(self: JobTask) -> None:
    await asyncio.sleep(0)
    raise PanicException("index out of bounds")


@pytest.mark.parametrize(
    "end",
    [exits, panics, is_unprintable, ends_as_a_generator, is_stopped_by_nobody, raises_retry],
)
def test_a_body_that_raises_no_exception_of_its_own_fails(end: Body) -> None:
    job = run(sync_task, end)
    assert (job.state, job.error, job.losses) == (JobState.FAILED, UNEXPECTED, 0)
    assert "RuntimeError" in job.traceback
    assert end.__name__ in job.traceback


@pytest.mark.parametrize("end", [cancels_itself, panics_after_an_await])
def test_a_coroutine_body_that_raises_no_exception_of_its_own_fails(end: Body) -> None:
    job = run(async_task, end)
    assert (job.state, job.error, job.losses) == (JobState.FAILED, UNEXPECTED, 0)
    assert end.__name__ in job.traceback


def test_a_result_whose_json_panics_is_left_out() -> None:
    class Result:
        def __json__(self) -> str:
            raise PanicException("unreachable")

    job = run(sync_task, lambda self: Result())
    assert (job.state, job.result) == (JobState.SUCCEEDED, None)


def killed(self: JobTask) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(30)


async def killed_and_cancelled(self: JobTask) -> None:
    """A body that ignores its soft time limit: the cancellation comes when it is killed."""
    current = asyncio.current_task()
    assert current
    asyncio.get_running_loop().call_soon(current.cancel)
    killed(self)


def killed_and_panicking(self: JobTask) -> None:
    try:
        killed(self)
    finally:
        raise PanicException("while it was killed")


@pytest.mark.parametrize("end", [killed, killed_and_cancelled, killed_and_panicking])
def test_a_job_stays_running_when_a_signal_ends_its_process(end: Body) -> None:
    before = signal.signal(signal.SIGTERM, vars(common)["_shutdown_cleanup"])
    try:
        with pytest.raises((SystemExit, asyncio.CancelledError, PanicException)):
            run(async_task if end is killed_and_cancelled else sync_task, end)
    finally:
        signal.signal(signal.SIGTERM, before)
        vars(common)["_should_have_exited"][0] = False
    assert Job.objects.get().state == JobState.RUNNING


def test_the_file_of_a_run_without_its_lease_is_deleted() -> None:
    def take_over(self: JobTask) -> None:
        with self.progress.attach("a.txt") as file:
            file.write(b"a")
        raise LeaseLost

    job = run(sync_task, take_over)
    assert not list(folder_of(job.pk).iterdir())

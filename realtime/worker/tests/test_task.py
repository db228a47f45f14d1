"""A run of a task, as the worker's tracer makes it, in this process."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from billiard import common
from billiard.exceptions import SoftTimeLimitExceeded
from celery import shared_task
from celery.app.trace import build_tracer
from celery.exceptions import Ignore, Retry

from realtime.actions import cancel
from realtime.errors import UNEXPECTED, Cancelled, JobError, LeaseLost, Stopped
from realtime.files.storage import folder_of
from realtime.jobs import transitions
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.progress.progress import Progress
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.worker.outcome import CODE_MAX, TRACEBACK_MAX, stored_result

pytestmark = pytest.mark.django_db

Body = Callable[..., Any]
body: Body


class Busy(JobError):
    code = "busy"


@shared_task(base=JobTask, bind=True, name="test.sync", title="Do it", soft_time_limit=7)
def sync_task(self: JobTask, *args: Any, **kwargs: Any) -> Any:
    return body(self, *args, **kwargs)


@shared_task(base=JobTask, bind=True, name="test.async")
async def async_task(self: JobTask, *args: Any, **kwargs: Any) -> Any:
    return await body(self, *args, **kwargs)


@shared_task(
    base=JobTask,
    bind=True,
    name="test.autoretry",
    autoretry_for=(Busy,),
    retry_backoff=False,
    retry_kwargs={"countdown": 30, "max_retries": 1},
)
async def autoretry_task(self: JobTask) -> None:
    raise Busy("The line is busy.")


@shared_task(base=JobTask, name="test.untracked", track=False)
def untracked_task() -> int:
    return 7


def run(task: JobTask, what: Body | None = None, *args: Any) -> Job:
    """Enqueue `task` with the body `what`, and run it as a worker would."""
    global body
    body = what or (lambda self: None)
    job = enqueue(task, args=args)
    deliver(job, task)
    job.refresh_from_db()
    return job


def deliver(job: Job, task: JobTask, *, retries: int = 0) -> None:
    """One message through the tracer of workers; `Task.apply` would make retries at once."""
    task_id = str(job.pk)
    request = {"id": task_id, "retries": retries, "hostname": "celery@test", "delivery_info": {}}
    trace = build_tracer(task.name, task, app=task.app)
    trace(task_id, job.args, job.kwargs, request)


def test_what_a_body_returns_is_the_jobs_result() -> None:
    job = run(sync_task, lambda self, a, b: {"sum": a + b}, 1, 2)
    assert (job.state, job.result, job.attempt) == (JobState.SUCCEEDED, {"sum": 3}, 1)
    assert [event.state for event in job.events.all()] == ["queued", "running", "succeeded"]


def test_a_coroutine_body_is_run_to_its_end() -> None:
    async def double(self: JobTask, number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    job = run(async_task, double, 21)
    assert (job.state, job.result) == (JobState.SUCCEEDED, 42)


def test_a_body_knows_its_job_and_its_progress() -> None:
    ids = []

    def look(self: JobTask) -> None:
        ids.append(self.job_id)
        for letter in self.progress.track("abc", phase="Spelling", unit="letter"):
            self.progress.item(letter, "spelt")

    job = run(sync_task, look)
    assert ids == [job.pk]
    assert (job.phase, job.done, job.total, job.fraction) == ("Spelling", 3, 3, 1.0)
    assert job.counts == {"spelt": 3}
    assert job.items.count() == 3


def test_the_progress_of_a_coroutine_body_is_its_jobs_too() -> None:
    async def look(self: JobTask) -> None:
        async for letter in self.progress.track("ab"):
            self.progress.item(letter, "spelt")

    assert run(async_task, look).counts == {"spelt": 2}


def test_an_error_for_people_is_shown_to_them() -> None:
    def fail(self: JobTask) -> None:
        raise Busy("The line is busy.")

    job = run(sync_task, fail)
    assert (job.state, job.error_code, job.error) == (JobState.FAILED, "busy", "The line is busy.")


@pytest.mark.parametrize("task", [sync_task, async_task])
def test_any_other_error_is_for_operators(task: JobTask) -> None:
    def fail(self: JobTask) -> None:
        raise ValueError("secret")

    async def afail(self: JobTask) -> None:
        raise ValueError("secret")

    job = run(task, fail if task is sync_task else afail)
    assert (job.state, job.error_code, job.error) == (JobState.FAILED, "ValueError", UNEXPECTED)
    assert "ValueError: secret" in job.traceback


def test_a_long_traceback_keeps_its_end() -> None:
    def fail(self: JobTask) -> None:
        raise ValueError("x" * 2 * TRACEBACK_MAX + "the end")

    traceback = run(sync_task, fail).traceback
    assert len(traceback) == TRACEBACK_MAX
    assert traceback.rstrip().endswith("the end")


def test_what_is_done_before_an_error_is_kept() -> None:
    def fail(self: JobTask) -> None:
        self.progress.item("1", "new")
        raise Busy("The line is busy.")

    job = run(sync_task, fail)
    assert job.items.count() == 1
    assert job.counts == {"new": 1}


class Hostile:
    def __json__(self) -> None:
        raise KeyError("no JSON")

    def __str__(self) -> str:
        raise KeyError("no text")


def circle() -> list[Any]:
    made: list[Any] = []
    made.append(made)
    return made


def shaft() -> list[Any]:
    """A list in a list in a list …"""
    made: list[Any] = []
    for _ in range(100_000):
        made = [made]
    return made


@pytest.mark.parametrize("make", [object, Hostile, circle, shaft])
def test_a_result_that_is_no_json_is_shown_to_nobody(make: Callable[[], Any]) -> None:
    job = run(sync_task, lambda self: make())
    assert (job.state, job.result) == (JobState.SUCCEEDED, None)


def test_a_number_that_is_too_long_is_no_result() -> None:
    assert stored_result(10**5000) is None


@pytest.mark.parametrize("given", [None, 7, Hostile()])
def test_texts_that_are_none_end_their_job_all_the_same(given: Any) -> None:
    def say(self: JobTask) -> None:
        self.progress.message = self.progress.unit = given
        self.progress.item("1", "new", label=given, detail=given)

    job = run(sync_task, say)
    if isinstance(given, Hostile):
        assert (job.state, job.error) == (JobState.FAILED, UNEXPECTED)
        return
    told = "" if given is None else "7"
    assert (job.state, job.message, job.unit) == (JobState.SUCCEEDED, told, told)
    assert [(item.label, item.detail) for item in job.items.all()] == [(told, told)]


def test_an_error_without_a_text_ends_its_job() -> None:
    class Dumb(JobError):
        def __str__(self) -> str:
            raise KeyError("no text")

    def fail(self: JobTask) -> None:
        raise Dumb

    job = run(sync_task, fail)
    assert (job.state, job.error_code, job.error) == (JobState.FAILED, "Dumb", UNEXPECTED)


@pytest.mark.parametrize("length", [CODE_MAX - 1, CODE_MAX, CODE_MAX + 1])
def test_the_name_of_an_error_is_cut(length: int) -> None:
    def fail(self: JobTask) -> None:
        raise type("E" * length, (Exception,), {})

    assert run(sync_task, fail).error_code == "E" * min(length, CODE_MAX)


def test_a_second_delivery_finds_nothing_to_do() -> None:
    runs = []
    job = run(sync_task, lambda self: runs.append(1))
    deliver(job, sync_task)
    assert runs == [1]
    job.refresh_from_db()
    assert job.attempt == 1


def test_a_cancelled_job_is_not_begun() -> None:
    global body
    body = lambda self: pytest.fail("it ran")  # noqa: E731
    job = enqueue(sync_task)
    transitions.cancel_waiting(job.pk)
    deliver(job, sync_task)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_message_from_elsewhere_becomes_a_job() -> None:
    global body
    body = lambda self, number: number  # noqa: E731
    task_id = str(uuid4())
    deliver(Job(id=task_id, args=[7], kwargs={}), sync_task)
    job = Job.objects.get(pk=task_id)
    assert (job.state, job.result, job.title) == (JobState.SUCCEEDED, 7, "Do it")


def test_one_whose_arguments_cannot_be_stored_has_failed() -> None:
    global body
    body = lambda self, text: pytest.fail("it ran")  # noqa: E731
    task_id = str(uuid4())
    deliver(Job(id=task_id, args=["a\0b"], kwargs={}), sync_task)
    job = Job.objects.get(pk=task_id)
    assert (job.state, job.error_code, job.args) == (JobState.FAILED, "unstorable", ["a\ufffdb"])


def test_a_retry_is_a_state_with_a_time() -> None:
    def fail(self: JobTask) -> None:
        raise self.retry(exc=Busy("The line is busy."), countdown=60)

    global body
    body = fail
    job = enqueue(sync_task)
    deliver(job, sync_task)
    job.refresh_from_db()
    assert (job.state, job.error) == (JobState.RETRYING, "The line is busy.")
    assert job.due_at is not None
    assert job.published_at is None
    assert job.options["retries"] == 1


def test_autoretry_works_for_coroutine_bodies_until_its_retries_are_used_up() -> None:
    job = enqueue(autoretry_task)
    deliver(job, autoretry_task)
    job.refresh_from_db()
    assert job.state == JobState.RETRYING
    Job.objects.update(due_at=None)
    deliver(job, autoretry_task, retries=1)
    job.refresh_from_db()
    assert (job.state, job.error_code, job.attempt) == (JobState.FAILED, "busy", 2)


def test_a_time_limit_is_told_in_a_sentence() -> None:
    def slow(self: JobTask) -> None:
        raise SoftTimeLimitExceeded

    job = run(sync_task, slow)
    assert (job.error_code, job.error) == ("time_limit", "It took longer than the 7 s allowed.")


def test_a_body_that_ignores_itself_has_ended() -> None:
    def ignore(self: JobTask) -> None:
        raise Ignore

    assert run(sync_task, ignore).state == JobState.SUCCEEDED


def test_a_body_that_is_asked_to_stop_ends_cancelled() -> None:
    def stop(self: JobTask) -> None:
        self.progress.item("1", "new")
        self.progress.stop(Cancelled())
        self.progress.advance()

    job = run(sync_task, stop)
    assert job.state == JobState.CANCELLED
    assert job.items.count() == 1


def test_a_coroutine_body_is_cancelled_where_it_waits() -> None:
    async def stop(self: JobTask) -> None:
        self.progress.stop(Cancelled())
        await asyncio.sleep(60)

    assert run(async_task, stop).state == JobState.CANCELLED


@pytest.mark.parametrize("why", [Cancelled(), LeaseLost()])
def test_a_group_of_asyncio_tasks_is_stopped_as_one(why: Stopped) -> None:
    async def stop(self: JobTask) -> None:
        async def step(number: int) -> None:
            if number == 3:
                self.progress.stop(why)
            self.progress.advance()

        self.progress.on_stop(lambda: None)  # as one that comes too late
        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(step(number))

    job = run(async_task, stop)
    state = JobState.CANCELLED if isinstance(why, Cancelled) else JobState.RUNNING
    assert (job.state, job.error) == (state, "")


def test_any_other_group_of_errors_fails_the_job() -> None:
    def fail(self: JobTask) -> None:
        raise ExceptionGroup("both", [KeyError("a"), ValueError("b")])

    def end(self: JobTask) -> None:
        raise BaseExceptionGroup("all", [GeneratorExit(), ValueError("b")])

    assert run(sync_task, fail).error_code == "ExceptionGroup"
    job = run(sync_task, end)
    assert (job.state, job.error_code) == (JobState.FAILED, "RuntimeError")


def test_a_stop_that_comes_before_a_coroutine_body_is_felt_at_once() -> None:
    calls: list[int] = []
    progress = Progress(Job(title="T"))
    progress.stop(Cancelled())
    progress.on_stop(lambda: calls.append(1))
    assert calls == [1]


def test_whoever_presses_ctrl_c_is_not_kept_from_it() -> None:
    def interrupted(self: JobTask) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(sync_task, interrupted)
    job = Job.objects.get()
    assert (job.state, job.error_code) == (JobState.FAILED, "KeyboardInterrupt")


def test_a_zombie_leaves_the_job_to_its_successor() -> None:
    def lose(self: JobTask) -> None:
        Job.objects.filter(pk=self.job_id).update(attempt=9)
        self.progress.stop(LeaseLost())
        self.progress.advance()

    job = run(sync_task, lose)
    assert (job.state, job.attempt) == (JobState.RUNNING, 9)


def test_a_task_may_opt_out() -> None:
    assert untracked_task.apply().get() == 7
    assert not Job.objects.exists()


def test_a_task_called_as_a_function_is_one() -> None:
    global body
    body = lambda self, number: number + 1  # noqa: E731
    assert sync_task(1) == 2
    assert not Job.objects.exists()


def test_a_body_may_call_its_own_task_as_a_function() -> None:
    def again(self: JobTask, number: int) -> int:
        return number if number == 0 else sync_task(number - 1) + 1

    job = run(sync_task, again, 3)
    assert job.result == 3
    assert Job.objects.count() == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("returned", "kept"),
    [(float("nan"), None), ([float("inf"), 1], [None, 1]), ("\0", "\ufffd"), ("\udce9", "\ufffd")],
)
def test_a_result_that_no_database_takes_ends_its_job_all_the_same(
    returned: Any, kept: Any
) -> None:
    job = run(sync_task, lambda self: returned)
    assert (job.state, job.result) == (JobState.SUCCEEDED, kept)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("text", ["\0", "caf\udce9.txt"])
def test_an_error_whose_text_no_database_takes_ends_its_job(text: str) -> None:
    def fail(self: JobTask) -> None:
        raise Busy(text)

    job = run(sync_task, fail)
    assert (job.state, job.error_code) == (JobState.FAILED, "busy")
    assert "\ufffd" in job.error
    assert "\ufffd" in job.traceback


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("ends", ["returns", "raises", "retries"])
def test_progress_that_no_database_takes_fails_its_job(ends: str) -> None:
    def count_too_far(self: JobTask) -> None:
        self.progress.advance(2**70)
        if ends == "raises":
            raise Busy("The line is busy.")
        if ends == "retries":
            raise self.retry()

    job = run(sync_task, count_too_far)
    assert job.state == JobState.FAILED
    assert job.finished_at
    if ends == "raises":
        assert job.error == "The line is busy."


def exits(self: JobTask) -> None:
    raise SystemExit(2)


def retries_by_itself(self: JobTask) -> None:
    raise Retry


async def ends_its_own_asyncio_task(self: JobTask) -> None:
    raise asyncio.CancelledError


@pytest.mark.parametrize("end", [exits, retries_by_itself, ends_its_own_asyncio_task])
def test_a_body_that_ends_itself_has_failed(end: Body) -> None:
    job = run(async_task if end is ends_its_own_asyncio_task else sync_task, end)
    assert (job.state, job.error) == (JobState.FAILED, UNEXPECTED)
    assert "RuntimeError" in job.traceback


def killed(self: JobTask) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(30)


async def killed_and_cancelled(self: JobTask) -> None:
    """As one that is deaf to its soft time limit, whose cancellation comes when it is killed."""
    current = asyncio.current_task()
    assert current
    asyncio.get_running_loop().call_soon(current.cancel)
    killed(self)


@pytest.mark.parametrize("end", [killed, killed_and_cancelled])
def test_a_worker_that_a_signal_ends_leaves_its_job_to_another(end: Body) -> None:
    before = signal.signal(signal.SIGTERM, vars(common)["_shutdown_cleanup"])
    try:
        with pytest.raises((SystemExit, asyncio.CancelledError)):
            run(sync_task if end is killed else async_task, end)
    finally:
        signal.signal(signal.SIGTERM, before)
        vars(common)["_should_have_exited"][0] = False
    assert Job.objects.get().state == JobState.RUNNING


def test_phases_that_cannot_be_are_found_where_they_are_declared() -> None:
    with pytest.raises(ValueError, match="above 0"):
        type("Bad", (JobTask,), {"phases": (("Reading", 0),)})


def test_a_job_that_is_to_be_cancelled_is_not_tried_again() -> None:
    def fail(self: JobTask) -> None:
        assert cancel(Job.objects.get(pk=self.job_id))
        self.progress.item("1", "done")
        raise self.retry(countdown=3600)

    job = run(sync_task, fail)
    assert (job.state, job.due_at) == (JobState.CANCELLED, None)
    assert job.items.count() == 1


def test_a_retry_may_go_to_another_queue() -> None:
    job = run(sync_task, lambda self: self.retry(queue="slow", countdown=9))
    assert (job.state, job.queue) == (JobState.RETRYING, "slow")


def test_a_retry_that_does_not_raise_is_one() -> None:
    job = run(sync_task, lambda self: self.retry(throw=False, countdown=9))
    assert job.state == JobState.RETRYING
    assert job.due_at


def test_a_zombies_file_is_not_kept() -> None:
    def take_over(self: JobTask) -> None:
        with self.progress.attach("a.txt") as file:
            file.write(b"a")
        raise LeaseLost

    job = run(sync_task, take_over)
    assert not list(folder_of(job.pk).iterdir())


def test_tasks_that_are_called_directly_have_nothing_in_common() -> None:
    def note(self: JobTask) -> tuple[Any, dict[str, int]]:
        self.progress.item("1", "done")
        return self.job_id, self.progress.counts()

    global body
    body = note
    sync_task.progress.item("0", "done")
    (one, counts), (other, others) = sync_task(), sync_task()
    assert counts == others == {"done": 1}
    assert one != other

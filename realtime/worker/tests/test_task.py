from contextvars import ContextVar, copy_context
from typing import Any
from uuid import uuid4

import pytest
from celery import shared_task

from realtime.jobs import transitions
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.progress import Progress
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.worker.run import current_run
from realtime.worker.tests.run_body import async_task, deliver, run, set_body, sync_task

pytestmark = pytest.mark.django_db


@shared_task(base=JobTask, name="test.untracked", track=False)
def untracked_task() -> int:
    return 7


@shared_task(base=JobTask, bind=True, name="test.untracked.count", track=False)
def count_untracked(self: JobTask) -> dict[str, int]:
    self.progress.item("1", "done")
    return self.progress.counts()


language: ContextVar[str] = ContextVar("language", default="en")


@shared_task(base=JobTask, name="test.untracked.language", track=False)
def set_language() -> None:
    language.set("fr")


def test_context_variables_of_an_untracked_body_reach_its_caller() -> None:
    def call() -> str:
        set_language()
        return language.get()

    assert copy_context().run(call) == "fr"


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


def test_a_second_delivery_does_not_run_the_body() -> None:
    runs = []
    job = run(sync_task, lambda self: runs.append(1))
    deliver(job, sync_task)
    assert runs == [1]
    job.refresh_from_db()
    assert job.attempt == 1


def test_a_cancelled_job_does_not_run() -> None:
    set_body(lambda self: pytest.fail("it ran"))
    job = enqueue(sync_task)
    transitions.cancel_waiting(job.pk)
    deliver(job, sync_task)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_message_without_a_row_becomes_a_job() -> None:
    set_body(lambda self, number: number)
    task_id = str(uuid4())
    deliver(Job(id=task_id, args=[7], kwargs={}), sync_task)
    job = Job.objects.get(pk=task_id)
    assert (job.state, job.result, job.title) == (JobState.SUCCEEDED, 7, "Do it")


def test_a_message_whose_arguments_cannot_be_stored_fails() -> None:
    set_body(lambda self, text: pytest.fail("it ran"))
    task_id = str(uuid4())
    deliver(Job(id=task_id, args=["a\0b"], kwargs={}), sync_task)
    job = Job.objects.get(pk=task_id)
    assert (job.state, job.error_code, job.args) == (JobState.FAILED, "unstorable", ["a\ufffdb"])


def test_a_task_without_tracking_makes_no_job() -> None:
    assert untracked_task.apply().get() == 7
    assert not Job.objects.exists()


def test_a_direct_call_makes_no_job() -> None:
    set_body(lambda self, number: number + 1)
    assert sync_task(1) == 2
    assert not Job.objects.exists()


def test_a_body_may_call_its_own_task_directly() -> None:
    def again(self: JobTask, number: int) -> int:
        return number if number == 0 else sync_task(number - 1) + 1

    job = run(sync_task, again, 3)
    assert job.result == 3
    assert Job.objects.count() == 1


def test_declared_phases_are_checked() -> None:
    with pytest.raises(ValueError, match="above 0"):
        type("Bad", (JobTask,), {"phases": (("Reading", 0),)})


def test_direct_calls_share_no_progress() -> None:
    def note(self: JobTask) -> tuple[Any, dict[str, int]]:
        self.progress.item("1", "done")
        return self.job_id, self.progress.counts()

    set_body(note)
    sync_task.progress.item("0", "done")
    (one, counts), (other, others) = sync_task(), sync_task()
    assert counts == others == {"done": 1}
    assert one != other


def test_tasks_share_no_progress_outside_of_a_run() -> None:
    def read() -> tuple[Progress, Progress, bool]:
        return sync_task.progress, async_task.progress, current_run in copy_context()

    one, other, has_set_context = copy_context().run(read)
    assert one is not other
    assert (one.job.task, other.job.task) == (sync_task.name, async_task.name)
    assert not has_set_context


def test_a_call_of_a_task_without_tracking_has_one_progress() -> None:
    first, second = copy_context().run(count_untracked), copy_context().run(count_untracked)
    assert first == second == {"done": 1}

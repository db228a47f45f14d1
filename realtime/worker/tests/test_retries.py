import pytest
from celery import shared_task

from realtime.actions import cancel
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.worker.tests.run_body import Busy, deliver, run, set_body, sync_task

pytestmark = pytest.mark.django_db


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


def test_a_retry_saves_its_time_and_its_error() -> None:
    def fail(self: JobTask) -> None:
        raise self.retry(exc=Busy("The line is busy."), countdown=60)

    set_body(fail)
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


def test_a_retry_of_a_job_with_a_cancel_request_cancels_it() -> None:
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


def test_a_retry_with_throw_false_is_a_retry() -> None:
    job = run(sync_task, lambda self: self.retry(throw=False, countdown=9))
    assert job.state == JobState.RETRYING
    assert job.due_at

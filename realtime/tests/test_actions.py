from uuid import UUID

import pytest
from celery import shared_task
from django.utils import timezone

from realtime.actions import cancel, resumes, run_again
from realtime.jobs import lease, transitions
from realtime.models import Job, JobItem
from realtime.states import FINISHED, EventKind, ItemState, JobState, RunBy
from realtime.tasks import JobTask
from realtime.tests.support.people import user

pytestmark = pytest.mark.django_db


def make(state: JobState, **fields: object) -> Job:
    return Job.objects.create(**{"task": "t", "title": "T", "state": state} | fields)


@pytest.mark.parametrize(
    ("state", "is_cancelled", "after"),
    [
        (JobState.QUEUED, True, JobState.CANCELLED),
        (JobState.RETRYING, True, JobState.CANCELLED),
        (JobState.LOST, True, JobState.CANCELLED),
        (JobState.RUNNING, True, JobState.RUNNING),
        *((state, False, state) for state in sorted(FINISHED)),
    ],
)
def test_cancel(state: JobState, is_cancelled: bool, after: JobState) -> None:
    job, actor = make(state), user()
    assert cancel(job, actor=actor, reason="By mistake") is is_cancelled
    job.refresh_from_db()
    assert job.state == after
    actions = job.events.filter(kind=EventKind.ACTION)
    assert [(action.actor, action.reason) for action in actions] == (
        [(actor, "By mistake")] if is_cancelled else []
    )


def test_a_job_whose_attempt_fails_during_the_cancel_is_not_retried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = make(JobState.RUNNING)

    def fail_and_request(job_id: UUID) -> bool:
        running = Job.objects.get(pk=job_id)
        assert lease.retry_later(running, due_at=timezone.now(), error="")
        return request(job_id)

    request = transitions.request_cancel
    monkeypatch.setattr(transitions, "request_cancel", fail_and_request)
    assert cancel(job)
    job.refresh_from_db()
    assert job.state == JobState.CANCELLED


def test_a_finished_job_is_run_again_with_the_same_arguments() -> None:
    job = make(
        JobState.FAILED,
        args=[1],
        kwargs={"a": 2},
        options={"retries": 3, "priority": 1},
        phases=[["Reading", "done"], ["Saving", "running"]],
    )
    assert run_again(job, actor=user())
    job.refresh_from_db()
    assert (job.state, job.args, job.kwargs) == (JobState.QUEUED, [1], {"a": 2})
    assert job.options == {"priority": 1}
    assert job.phases == [["Reading", "waiting"], ["Saving", "waiting"]]
    assert job.events.get(kind=EventKind.ACTION).text == "Run again"


@pytest.mark.parametrize("state", sorted(set(JobState) - FINISHED))
def test_an_unfinished_job_is_not_run_again(state: JobState) -> None:
    assert not run_again(make(state))


@pytest.mark.parametrize(("keep_ledger", "items"), [(True, 1), (False, 0)])
def test_the_ledger_is_kept_unless_keep_ledger_is_false(keep_ledger: bool, items: int) -> None:
    job = make(JobState.FAILED, counts={"sent": 1})
    JobItem.objects.create(job=job, key="ada", outcome="sent")
    run_again(job, keep_ledger=keep_ledger)
    job.refresh_from_db()
    assert job.items.count() == items
    assert job.counts == ({"sent": 1} if keep_ledger else {})


@shared_task(base=JobTask, name="test.resumes", resumes=True)
def resuming_task() -> None:
    pass


@shared_task(base=JobTask, name="test.restarts")
def restarting_task() -> None:
    pass


@pytest.mark.parametrize(
    ("task", "does_resume"), [("test.resumes", True), ("test.restarts", False), ("unknown", False)]
)
def test_resumes_is_an_attribute_of_the_task(task: str, does_resume: bool) -> None:
    assert resumes(Job(task=task)) is does_resume


def test_a_batch_resumes() -> None:
    assert resumes(Job(task="unknown", carrier=RunBy.CHILDREN))


@pytest.mark.parametrize(
    ("task", "state", "is_reset"),
    [
        ("test.resumes", JobState.SUCCEEDED, True),
        ("test.resumes", JobState.FAILED, False),
        ("test.resumes", JobState.CANCELLED, False),
        ("test.restarts", JobState.SUCCEEDED, False),
    ],
)
def test_failed_items_of_a_successful_job_become_pending(
    task: str, state: JobState, is_reset: bool
) -> None:
    """In a job that did not succeed, the body itself has to find the items that are left."""
    recent = [["2", "", "new", "done", "", ""], ["1", "", "gone", "failed", "Gone.", ""]]
    job = make(state, task=task, counts={"new": 1, "gone": 1}, failed=1, recent=recent)
    JobItem.objects.create(job=job, key="1", outcome="gone", state=ItemState.FAILED, detail="Gone.")
    JobItem.objects.create(job=job, key="2", outcome="new", state=ItemState.DONE)
    assert run_again(job)
    job.refresh_from_db()
    failed, done = job.items.order_by("key")
    assert (done.state, done.outcome) == (ItemState.DONE, "new")
    if is_reset:
        assert (failed.state, failed.outcome, failed.detail) == (ItemState.PENDING, "", "")
        assert (job.counts, job.failed, job.recent) == ({"new": 1}, 0, recent[:1])
    else:
        assert (failed.state, failed.outcome) == (ItemState.FAILED, "gone")
        assert (job.counts, job.failed, job.recent) == ({"new": 1, "gone": 1}, 1, recent)


def test_failed_items_become_pending_if_other_items_are_pending() -> None:
    job = make(JobState.CANCELLED, task="test.resumes", counts={"gone": 1}, failed=1)
    JobItem.objects.create(job=job, key="1", outcome="gone", state=ItemState.FAILED)
    JobItem.objects.create(job=job, key="2", state=ItemState.PENDING)
    assert run_again(job)
    job.refresh_from_db()
    assert [item.state for item in job.items.all()] == [ItemState.PENDING] * 2
    assert (job.counts, job.failed) == ({}, 0)

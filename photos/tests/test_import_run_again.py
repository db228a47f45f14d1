"""Imports that run again: after failed photos, after a cancel, and after a worker has died."""

import pytest

from photos.import_run import UNREADABLE
from photos.models import Photo
from photos.sandbox.replies import TOO_MANY, Reply
from photos.tasks import ON_DEMAND
from photos.tests.completed_imports import CompletedImport, counts
from photos.tests.in_memory_flickr import new_sandbox
from realtime.actions import run_again
from realtime.jobs import lease
from realtime.models import Job, JobItem
from realtime.progress import Progress
from realtime.states import ItemState, JobState

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]

REST_PATH = "/services/rest/"
PICTURES_LIMITED = (None, *(TOO_MANY,) * 100)
"""The list of photos is sent, and no picture."""


@pytest.fixture
def job() -> Job:
    return Job.objects.create(task=ON_DEMAND, title="Import")


def claim(job: Job) -> Job:
    """The row of the next attempt, as a worker gets it."""
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    return claimed


def finish(run: CompletedImport) -> None:
    job = run.progress.job
    assert lease.finish(job, result=run.result, **run.progress.fields())
    run.progress.row.save_items()


def cancel(progress: Progress) -> None:
    assert lease.cancel_running(progress.job, **progress.fields())
    progress.row.save_items()


def queue_again(job: Job) -> None:
    job.refresh_from_db()
    assert run_again(job)
    job.refresh_from_db()


def test_running_again_gets_all_failed_photos(job: Job) -> None:
    sandbox = new_sandbox(first_replies=(None, *(Reply(status=502),) * 100))
    first = CompletedImport(sandbox, job=claim(job))
    assert first.result == counts(failed=12)
    assert REST_PATH in sandbox.paths
    finish(first)
    job.refresh_from_db()
    assert job.failed == 12
    queue_again(job)
    assert (job.failed, job.counts) == (0, {})
    sandbox = new_sandbox()
    assert CompletedImport(sandbox, job=claim(job)).result == counts(new=12)
    assert REST_PATH not in sandbox.paths


def test_running_again_gets_only_failed_photos(job: Job) -> None:
    first = CompletedImport(new_sandbox(gone_rate=0.4), job=claim(job))
    failed = first.result["failed"]
    assert 0 < failed < 12
    finish(first)
    queue_again(job)
    second = CompletedImport(new_sandbox(gone_rate=0.4), job=claim(job))
    assert second.result == first.result
    assert second.progress.fields()["total"] == failed


def test_running_again_after_a_cancelled_rerun_gets_all_photos_left(job: Job) -> None:
    first = CompletedImport(new_sandbox(first_replies=PICTURES_LIMITED), job=claim(job))
    assert first.result == counts(failed=12)
    finish(first)
    queue_again(job)
    second = Progress(claim(job))
    for key in sorted(second.keys(ItemState.PENDING))[:5]:
        second.item(key, "failed", state=ItemState.FAILED)
    cancel(second)
    queue_again(job)
    third = CompletedImport(new_sandbox(), job=claim(job))
    assert third.result == counts(new=12)
    assert third.progress.fields()["total"] == 12


def test_running_a_cancelled_import_again_gets_photos_not_begun(job: Job) -> None:
    sandbox = new_sandbox(first_replies=PICTURES_LIMITED)
    first = CompletedImport(sandbox, job=claim(job), limit=5)
    assert first.result == counts(failed=5)
    cancel(first.progress)
    queue_again(job)
    second = CompletedImport(new_sandbox(), job=claim(job), limit=12)
    assert second.result == counts(new=12)


def test_an_interrupted_import_continues(job: Job) -> None:
    sandbox = new_sandbox()
    first = CompletedImport(sandbox, job=claim(job), limit=5)
    first.progress.row.save_items()
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, fraction=0.5)
    second = CompletedImport(sandbox, job=claim(job), limit=12)
    assert second.result == counts(new=12)
    progress = second.progress.fields()
    assert (progress["done"], progress["total"]) == (12, 12)


def lose_worker(job: Job) -> None:
    """Queue the job again, as after a kill: nothing of the ledger was saved."""
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, fraction=0.5)


def test_after_a_kill_photos_that_this_import_got_are_still_new(job: Job) -> None:
    CompletedImport(new_sandbox(), job=claim(job), limit=5)
    lose_worker(job)
    second = CompletedImport(new_sandbox(), job=claim(job), limit=12)
    assert second.result == counts(new=12)
    progress = second.progress.fields()
    assert (progress["done"], progress["total"]) == (12, 12)


def test_after_a_kill_photos_that_are_no_longer_listed_count_too(job: Job) -> None:
    CompletedImport(new_sandbox(), job=claim(job), limit=5)
    lose_worker(job)
    second = CompletedImport(new_sandbox(), job=claim(job), limit=5, tags=("nobody",))
    assert second.result == counts(new=5)


def test_after_a_kill_changed_and_replaced_photos_are_still_updated(job: Job) -> None:
    CompletedImport(new_sandbox(), limit=5)
    changed, replaced, *_ = Photo.objects.newest_first()
    Photo.objects.filter(pk=changed.pk).update(title="Before")
    Photo.objects.filter(pk=replaced.pk).update(picture="1_a", thumbnail_of="1_a")
    first = CompletedImport(new_sandbox(), job=claim(job), limit=5)
    assert first.result == counts(updated=2, unchanged=3)
    lose_worker(job)
    second = CompletedImport(new_sandbox(), job=claim(job), limit=5)
    assert second.result == counts(updated=2, unchanged=3)


def test_after_a_kill_photos_of_another_import_are_unchanged(job: Job) -> None:
    CompletedImport(new_sandbox(), job=claim(job), limit=2)
    other = Job.objects.create(task=ON_DEMAND, title="Import")
    CompletedImport(new_sandbox(), job=claim(other), limit=5)
    lose_worker(job)
    second = CompletedImport(new_sandbox(), job=claim(job), limit=5)
    assert second.result == counts(new=2, unchanged=3)


def test_running_an_import_again_from_the_start_counts_anew(job: Job) -> None:
    finish(CompletedImport(new_sandbox(), job=claim(job), limit=5))
    job.refresh_from_db()
    assert run_again(job, keep_ledger=False)
    assert CompletedImport(new_sandbox(), job=claim(job), limit=5).result == counts(unchanged=5)


def test_an_unreadable_entry_fails_again() -> None:
    job = Job.objects.create(task=ON_DEMAND, title="Import", attempt=1)
    JobItem.objects.create(job=job, key="bad", state=ItemState.PENDING)
    run = CompletedImport(new_sandbox(), job=claim(job))
    assert run.result == counts(failed=1)
    assert UNREADABLE in str(run.progress.ledger.unsaved())

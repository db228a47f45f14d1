from pathlib import Path

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from realtime.files.storage import folder_of
from realtime.files.tests.attached_files import attach, contents_on_disk
from realtime.models import Job
from realtime.worker.tests.run_body import run, sync_task

pytestmark = pytest.mark.django_db


def test_the_files_of_a_deleted_job_are_deleted(
    media: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    job, other = run(sync_task, attach), run(sync_task, attach)
    folder = folder_of(job.pk)
    assert folder.exists()
    with django_capture_on_commit_callbacks(execute=True):
        job.delete()
    assert not folder.exists()
    assert folder_of(other.pk).exists()


def test_a_bulk_deletion_deletes_the_files_of_jobs_and_their_children(
    media: Path, django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks
) -> None:
    parent, child = run(sync_task, attach), run(sync_task, attach)
    Job.objects.filter(pk=child.pk).update(parent=parent)
    with django_capture_on_commit_callbacks(execute=True):
        Job.objects.filter(pk=parent.pk).delete()
    assert contents_on_disk(media) == []
    assert not Job.objects.exists()


def test_a_deletion_that_is_rolled_back_deletes_no_file(media: Path) -> None:
    job = run(sync_task, attach)
    job.delete()  # the test's own transaction is never committed
    assert contents_on_disk(media) == [b"abc"]

from typing import Any

import pytest
from pytest_django import DjangoCaptureOnCommitCallbacks

from realtime.errors import LeaseLost
from realtime.models import Job, JobItem
from realtime.progress.progress import Progress
from realtime.progress.row import FIELDS
from realtime.tests.support.claimed_progress import claimed_progress

pytestmark = pytest.mark.django_db


def unsaved(progress: Progress) -> dict[str, Any]:
    return progress.row.unsaved_fields(progress.fields())


def test_items_are_saved_once(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    progress = claimed_progress()
    progress.item("1", "new", label="A hill")
    with django_capture_on_commit_callbacks(execute=True):
        assert progress.save()
    JobItem.objects.all().delete()
    assert progress.save()
    assert not JobItem.objects.exists()


def test_progress_is_saved_with_a_heartbeat() -> None:
    progress = claimed_progress()
    Job.objects.update(heartbeat_at=None)
    with progress.phase("Saving", total=4):
        progress.advance()
        progress.save()
    job = Job.objects.get()
    assert (job.phase, job.done, job.total, job.fraction) == ("Saving", 1, 4, 0.25)
    assert job.heartbeat_at is not None


def test_an_attempt_without_its_lease_saves_nothing() -> None:
    stale = claimed_progress()
    Job.objects.update(attempt=2)
    stale.item("1", "new")
    assert not stale.save()
    assert not JobItem.objects.exists()
    with pytest.raises(LeaseLost):
        stale.settle("2", "new")


def test_progress_reports_exactly_the_fields_of_the_row() -> None:
    assert set(claimed_progress().fields()) == set(FIELDS)


def test_a_task_that_reports_nothing_has_no_unsaved_fields() -> None:
    progress = claimed_progress(phases=[["Reading", "waiting"]])
    assert unsaved(Progress(progress.job, phases=[("Reading", 1)])) == {}


def test_a_new_attempt_overwrites_the_fields_of_an_earlier_one() -> None:
    assert unsaved(claimed_progress(done=5, unit="photo"))["done"] == 0


@pytest.mark.django_db(transaction=True)
def test_saved_fields_are_not_saved_again() -> None:
    progress = claimed_progress()
    progress.message = "One"
    assert unsaved(progress)["message"] == "One"
    progress.save()
    assert unsaved(progress) == {}
    progress.message = "Two"
    assert unsaved(progress)["message"] == "Two"


@pytest.mark.django_db(transaction=True)
def test_fields_stay_unsaved_when_saving_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    progress = claimed_progress()
    progress.item("1", "new")
    progress.message = "One"
    monkeypatch.setattr(progress.row, "save_items", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        progress.save()
    assert unsaved(progress)["message"] == "One"

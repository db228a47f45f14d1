import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from photos.models import Photo
from photos.tasks import (
    FIRST_LIMIT,
)
from photos.tests.factories import create_photo
from realtime.models import Job
from realtime.states import JobState, Visibility

pytestmark = pytest.mark.django_db


def test_first_import_starts_a_public_import() -> None:
    call_command("first_import")
    job = Job.objects.get()
    assert (job.task, job.visibility, job.owner) == ("import_photos", Visibility.PUBLIC, None)
    assert job.kwargs == {"tags": "", "limit": FIRST_LIMIT}


def test_first_import_starts_one_import_only() -> None:
    call_command("first_import")
    call_command("first_import")
    assert Job.objects.count() == 1


def test_first_import_does_nothing_if_there_are_photos() -> None:
    create_photo()
    call_command("first_import")
    assert not Job.objects.exists()


def test_first_import_starts_again_after_a_failure() -> None:
    call_command("first_import")
    Job.objects.update(state=JobState.FAILED)
    call_command("first_import")
    assert Job.objects.count() == 2


@pytest.mark.usefixtures("sandbox")
def test_make_photos_needs_no_worker(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("make_photos", "3")
    assert Photo.objects.shown().count() == 3
    assert "3 new" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["feed", "api"])
def test_make_photos_refuses_other_sources(settings: Settings, source: str) -> None:
    settings.FLICKR_SOURCE = source
    with pytest.raises(CommandError, match="sandbox"):
        call_command("make_photos")

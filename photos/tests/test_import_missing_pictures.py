"""Pictures that were not at Flickr, or could not be read, and that an import lists again."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from photos.models import PICTURE_RETRY_AFTER, PICTURE_TRIES_MAX, Photo
from photos.sandbox.app import Sandbox
from photos.sandbox.replies import Reply
from photos.tests.completed_imports import CompletedImport, counts
from photos.tests.in_memory_flickr import new_sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]

UNREADABLE = Reply(status=403)


def missing() -> Sandbox:
    return new_sandbox(gone_rate=1.0)


def unreadable() -> Sandbox:
    return new_sandbox(first_replies=(None, *(UNREADABLE,) * 100))


def test_a_picture_that_was_missing_once_is_shown_when_it_is_back() -> None:
    CompletedImport(missing())
    assert Photo.objects.shown().count() == 0
    assert CompletedImport(new_sandbox()).result == counts(new=12)
    assert Photo.objects.shown().count() == 12
    assert not Photo.objects.exclude(gone_at=None).exists()


def test_a_thumbnail_that_was_removed_is_made_again() -> None:
    CompletedImport(new_sandbox(), limit=3)
    Photo.objects.update(thumbnail_of="")
    assert CompletedImport(missing(), limit=3).result == counts(failed=3)
    assert Photo.objects.shown().count() == 0
    assert CompletedImport(new_sandbox(), limit=3).result == counts(new=3)


@pytest.mark.parametrize("sandbox_of", [missing, unreadable])
def test_a_picture_that_is_listed_again_has_a_maximum_of_tries(
    sandbox_of: Callable[[], Sandbox],
) -> None:
    for _ in range(PICTURE_TRIES_MAX):
        assert CompletedImport(sandbox_of(), limit=3).result == counts(failed=3)
    sandbox = sandbox_of()
    assert CompletedImport(sandbox, limit=3).result == counts(unchanged=3)
    assert len(sandbox.paths) == 1


@pytest.mark.parametrize(
    ("waited", "is_tried"),
    [
        (PICTURE_RETRY_AFTER - timedelta(minutes=5), False),
        (PICTURE_RETRY_AFTER + timedelta(minutes=5), True),
    ],
)
def test_after_all_tries_a_picture_is_tried_once_a_day(waited: timedelta, is_tried: bool) -> None:
    CompletedImport(missing(), limit=3)
    tried_at = timezone.now() - waited
    Photo.objects.update(picture_tries=PICTURE_TRIES_MAX, picture_tried_at=tried_at)
    assert CompletedImport(missing(), limit=3).result == counts(
        **{"failed" if is_tried else "unchanged": 3}
    )
    assert CompletedImport(missing(), limit=3).result == counts(unchanged=3)


@pytest.mark.parametrize("sandbox_of", [missing, unreadable])
def test_a_success_starts_the_count_anew(sandbox_of: Callable[[], Sandbox]) -> None:
    CompletedImport(sandbox_of(), limit=1)
    CompletedImport(sandbox_of(), limit=1)
    assert Photo.objects.get().picture_tries == 2
    CompletedImport(new_sandbox(), limit=1)
    photo = Photo.objects.get()
    assert (photo.picture_tries, photo.picture_tried_at, photo.gone_at) == (0, None, None)
    Photo.objects.update(thumbnail_of="")
    CompletedImport(sandbox_of(), limit=1)
    assert Photo.objects.get().picture_tries == 1


def test_a_missing_picture_is_tried_at_the_addresses_that_are_listed_now() -> None:
    CompletedImport(missing(), limit=1)
    Photo.objects.update(image_urls=["https://live.staticflickr.com/gone.jpg"])
    assert CompletedImport(new_sandbox(), limit=1).result == counts(new=1)


def test_a_scheduled_import_does_not_try_missing_pictures_that_are_not_listed() -> None:
    CompletedImport(missing(), limit=3)
    sandbox = new_sandbox()
    assert CompletedImport(sandbox, mark="", tags=("nobody",)).result == counts()
    assert len(sandbox.paths) == 1

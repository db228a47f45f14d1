from datetime import timedelta
from importlib import import_module
from pathlib import Path

import pytest
from django.apps import apps
from django.utils import timezone

from photos import thumbnail_files
from photos.models import PICTURE_TRIES_MAX, Licence, Photo, Turn
from photos.tests.factories import create_photo, create_photo_with_file

pytestmark = pytest.mark.django_db


def test_only_photos_with_a_picture_are_shown() -> None:
    create_photo(1, thumbnail="")
    shown = create_photo(2)
    assert list(Photo.objects.shown()) == [shown]


@pytest.mark.parametrize(
    ("tries", "is_needed"), [(0, True), (PICTURE_TRIES_MAX - 1, True), (PICTURE_TRIES_MAX, False)]
)
def test_a_picture_has_a_maximum_of_tries(tries: int, is_needed: bool) -> None:
    create_photo(thumbnail="", picture_tries=tries)
    assert Photo.objects.without_picture().exists() is is_needed


def test_a_photo_with_a_replaced_picture_needs_it() -> None:
    create_photo(1)
    replaced = create_photo(2, picture="1002_fedcba9876")
    assert list(Photo.objects.without_picture()) == [replaced]


def test_the_migration_names_pictures_by_their_urls() -> None:
    shown = create_photo(1, picture="", thumbnail_of="")
    waiting = create_photo(2, picture="", thumbnail_of="", thumbnail="")
    odd = create_photo(3, picture="", thumbnail_of="", image_urls=["https://example.org/"])
    import_module("photos.migrations.0002_which_picture").name_pictures(apps, None)
    for photo in (shown, waiting, odd):
        photo.refresh_from_db()
    assert (shown.picture, shown.thumbnail_of) == ("1001_0123456789", "1001_0123456789")
    assert (waiting.picture, waiting.thumbnail_of) == ("1002_0123456789", "")
    assert odd.has_its_picture


def test_a_photo_that_is_gone_needs_no_picture() -> None:
    create_photo(thumbnail="", gone_at=timezone.now())
    assert not Photo.objects.without_picture().exists()


def test_a_photo_without_title_and_owner_name() -> None:
    photo = create_photo(title="", owner_name="")
    assert (photo.shown_title, photo.shown_owner) == ("Untitled", "44080248@N03")


def test_an_unknown_licence_is_all_rights_reserved() -> None:
    assert create_photo(1).licence_name == "All rights reserved"
    licence = Licence.objects.create(number=4, name="CC BY 2.0")
    assert create_photo(2, licence=licence).licence_name == "CC BY 2.0"


@pytest.mark.parametrize(
    ("taken", "granularity", "words"),
    [
        ("2017-08-11 19:21:37", 0, "11 August 2017"),
        ("2017-08-01 00:00:00", 4, "August 2017"),
        ("2017-01-01 00:00:00", 6, "2017"),
        ("1931-01-01 00:00:00", 8, "circa 1931"),
        ("", 0, ""),
    ],
)
def test_the_date_taken_is_as_exact_as_its_granularity(
    taken: str, granularity: int, words: str
) -> None:
    assert create_photo(taken=taken, taken_granularity=granularity).taken_words == words


def test_the_date_taken_has_no_time_zone() -> None:
    moment = create_photo(taken="2017-08-11 19:21:37").taken_at
    assert moment is not None
    assert moment.tzinfo is None


def test_a_deleted_photo_deletes_its_file(
    media_root: Path, django_capture_on_commit_callbacks: object
) -> None:
    photo = create_photo_with_file()
    path = thumbnail_files.path_of(photo.flickr_id, photo.thumbnail)
    with django_capture_on_commit_callbacks(execute=True):  # type: ignore[operator]
        Photo.objects.all().delete()
        assert path.exists()
    assert not path.exists()


def test_turns_are_one_interval_apart() -> None:
    waits = [Turn.objects.reserve("flickr", every=1000.0) for _ in range(3)]
    assert waits[0] == 0
    assert 900 < waits[1] <= 1000
    assert 1900 < waits[2] <= 2000


def test_an_old_turn_is_free_now() -> None:
    Turn.objects.create(name="flickr", free_at=timezone.now() - timedelta(hours=1))
    assert Turn.objects.reserve("flickr", every=1.0) == 0


def test_turns_of_other_names_are_independent() -> None:
    Turn.objects.reserve("flickr", every=10.0)
    assert Turn.objects.reserve("elsewhere", every=10.0) == 0

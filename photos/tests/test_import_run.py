import asyncio
from pathlib import Path

import pytest
from asgiref.sync import async_to_sync

from photos import thumbnail_files
from photos.models import Photo
from photos.sandbox.replies import MAINTENANCE_PAGE
from photos.tests.completed_imports import CompletedImport, counts, new_import
from photos.tests.in_memory_flickr import NOW, connect_to, new_sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]


def test_photos_are_saved_with_thumbnails() -> None:
    run = CompletedImport(new_sandbox())
    assert run.result == counts(new=12)
    assert Photo.objects.shown().count() == 12
    for photo in Photo.objects.all():
        assert thumbnail_files.path_of(photo.flickr_id, photo.thumbnail).stat().st_size > 500
        assert max(photo.thumbnail_width, photo.thumbnail_height) <= 640


def test_progress_counts_every_photo_and_shows_its_thumbnail() -> None:
    run = CompletedImport(new_sandbox())
    progress = run.progress.fields()
    assert (progress["done"], progress["total"], progress["unit"]) == (12, 12, "photo")
    assert progress["phases"] == [["Reading Flickr", "done"], ["Saving photos", "done"]]
    assert progress["counts"] == {"new": 12}
    photo = Photo.objects.newest_first()[0]
    assert photo.thumbnail_url in run.items[photo.flickr_id]


def test_a_second_import_downloads_nothing() -> None:
    sandbox = new_sandbox()
    CompletedImport(sandbox)
    requests = len(sandbox.paths)
    assert CompletedImport(sandbox).result == counts(unchanged=12)
    assert len(sandbox.paths) == requests + 1


def test_two_imports_at_once_count_each_photo_as_new_once() -> None:
    """Both runs read the database before one of them has saved the photos and thumbnails."""

    async def run_both() -> list[dict[str, int]]:
        runs = [new_import(connect_to(new_sandbox(latency=0.02))) for _ in range(2)]
        return list(await asyncio.gather(*(run.run() for run in runs)))

    results = async_to_sync(run_both)()
    assert [sum(result.values()) for result in results] == [12, 12]
    assert sum(result["new"] for result in results) == 12
    assert sum(result["unchanged"] for result in results) == 12


def test_a_later_import_gets_new_photos() -> None:
    CompletedImport(new_sandbox())
    assert CompletedImport(new_sandbox(clock=lambda: NOW + 270)).result == counts(
        new=3, unchanged=9
    )


def test_a_changed_photo_is_updated_without_a_download() -> None:
    sandbox = new_sandbox()
    CompletedImport(sandbox)
    photo = Photo.objects.newest_first()[0]
    Photo.objects.filter(pk=photo.pk).update(title="Before")
    requests = len(sandbox.paths)
    assert CompletedImport(sandbox).result == counts(updated=1, unchanged=11)
    assert len(sandbox.paths) == requests + 1
    assert Photo.objects.newest_first()[0].title == photo.title


def test_pages_that_change_save_no_photo_twice() -> None:
    run = CompletedImport(new_sandbox(new_photos_per_request=40, gone_rate=1.0), limit=110)
    assert run.result["failed"] == Photo.objects.count() > 100


def test_an_unreadable_page_is_retried() -> None:
    assert CompletedImport(new_sandbox(first_replies=(MAINTENANCE_PAGE,))).result == counts(new=12)


def test_a_cancelled_import_leaves_no_temporary_files(media_root: Path) -> None:
    async def cancel_after_the_first_photo() -> None:
        run = new_import(connect_to(new_sandbox(latency=0.02)), limit=60)
        task = asyncio.ensure_future(run.run())
        while not await Photo.objects.shown().aexists():  # noqa: ASYNC110 - the row is the event
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_to_sync(cancel_after_the_first_photo)()
    assert 0 < Photo.objects.shown().count() < 60
    assert not [path for path in media_root.rglob("*") if path.name.startswith(".new-")]

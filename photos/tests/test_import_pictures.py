import pytest
from asgiref.sync import async_to_sync

from photos import thumbnail_files
from photos.models import Photo
from photos.sandbox.app import Sandbox
from photos.sandbox.replies import TOO_MANY, Reply
from photos.tests.completed_imports import CompletedImport, counts
from photos.tests.in_memory_flickr import NOW, connect_to, new_sandbox

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("media_root")]


def test_a_replaced_picture_replaces_the_thumbnail_file() -> None:
    sandbox = new_sandbox()
    photo, old_thumbnail = import_replaced_picture(sandbox)
    assert CompletedImport(sandbox).result == counts(updated=1, unchanged=11)
    photo.refresh_from_db()
    assert photo.has_its_picture
    assert photo.thumbnail != old_thumbnail
    assert not thumbnail_files.path_of(photo.flickr_id, old_thumbnail).exists()


@pytest.mark.parametrize("mark", [None, "sea"])
def test_a_later_import_downloads_a_replaced_picture_that_failed(
    mark: str | None,
) -> None:
    """An import that reads the photo again, or a scheduled one whose mark is behind it."""
    photo, old_thumbnail = import_replaced_picture(new_sandbox())
    limiting = new_sandbox(first_replies=(None, *(TOO_MANY,) * 100))
    assert CompletedImport(limiting).result == counts(failed=1, unchanged=11)
    photo.refresh_from_db()
    assert photo.thumbnail == old_thumbnail
    tags = () if mark is None else ("nobody",)
    later = CompletedImport(new_sandbox(), mark=mark, tags=tags)
    assert later.result == counts(updated=1, unchanged=0 if mark else 11)
    photo.refresh_from_db()
    assert photo.has_its_picture
    assert not thumbnail_files.path_of(photo.flickr_id, old_thumbnail).exists()


def test_a_replaced_picture_resets_the_tries() -> None:
    photo, _ = import_replaced_picture(new_sandbox())
    Photo.objects.filter(pk=photo.pk).update(picture_tries=5, gone_at=photo.uploaded_at)
    CompletedImport(new_sandbox(first_replies=(None, *(TOO_MANY,) * 100)))
    assert list(Photo.objects.without_picture()) == [photo]


def import_replaced_picture(sandbox: Sandbox) -> tuple[Photo, str]:
    """A photo whose owner has replaced the picture since an import, and its old thumbnail."""
    CompletedImport(sandbox)
    photo = Photo.objects.newest_first()[0]
    old_thumbnail = thumbnail_files.save(photo.flickr_id, other_picture(sandbox)).digest
    urls = [url.replace("_", "_0ddba11") for url in photo.image_urls]
    old_picture = f"{photo.flickr_id}_0ddba11"
    Photo.objects.filter(pk=photo.pk).update(
        image_urls=urls, picture=old_picture, thumbnail_of=old_picture, thumbnail=old_thumbnail
    )
    return photo, old_thumbnail


def other_picture(sandbox: Sandbox) -> bytes:
    other = Photo.objects.order_by("uploaded_at")[0]
    flickr = connect_to(sandbox)
    return async_to_sync(flickr.downloads.get)(tuple(other.image_urls))


def test_a_deleted_picture_does_not_end_the_import() -> None:
    run = CompletedImport(new_sandbox(gone_rate=0.3))
    failed = run.result["failed"]
    assert 0 < failed < 12
    assert run.result["new"] == 12 - failed
    assert Photo.objects.exclude(gone_at=None).count() == failed
    deleted = Photo.objects.exclude(gone_at=None)[0]
    assert "no longer at Flickr" in str(run.items[deleted.flickr_id])


def test_bytes_that_are_no_picture_fail_only_that_photo() -> None:
    sandbox = new_sandbox(
        first_replies=(None, Reply(body=b"GIF89a but not really", content_type="image/gif"))
    )
    run = CompletedImport(sandbox)
    assert run.result == counts(new=11, failed=1)
    assert Photo.objects.without_picture().count() == 1


def test_a_429_for_a_picture_does_not_fail_the_import() -> None:
    run = CompletedImport(new_sandbox(first_replies=(None, TOO_MANY, TOO_MANY)))
    assert run.result == counts(new=12)
    assert any("slow down" in message for message in run.flickr.messages)


def test_the_next_scheduled_import_downloads_missing_pictures() -> None:
    first = CompletedImport(new_sandbox(first_replies=(None, *(TOO_MANY,) * 100)), mark="")
    assert first.result == counts(failed=12)
    assert Photo.objects.shown().count() == 0
    later = CompletedImport(new_sandbox(clock=lambda: NOW + 90), mark="", since=int(NOW) - 30)
    assert later.result["failed"] == 0
    assert later.result["new"] >= 12
    assert Photo.objects.without_picture().count() == 0


def test_an_unexpected_error_fails_only_that_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    save, calls = thumbnail_files.save, list[str]()

    def fail_first_call(flickr_id: str, picture: bytes) -> thumbnail_files.Thumbnail:
        calls.append(flickr_id)
        if len(calls) == 1:
            raise RuntimeError("secret detail")
        return save(flickr_id, picture)

    monkeypatch.setattr(thumbnail_files, "save", fail_first_call)
    run = CompletedImport(new_sandbox())
    assert run.result == counts(new=11, failed=1)
    assert "secret detail" not in str(run.items)

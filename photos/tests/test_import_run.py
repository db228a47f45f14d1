import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from pytest_django.fixtures import Settings

from photos import thumbnail_files
from photos.flickr import parse
from photos.flickr.api import EXTRAS
from photos.flickr.errors import KeyRefusedError, ServerFaultError
from photos.flickr.photo import PhotoQuery
from photos.import_run import ImportRun
from photos.models import ImportMark, Licence, Photo
from photos.sandbox.app import Sandbox
from photos.sandbox.replies import MAINTENANCE_PAGE, TOO_MANY, Reply
from photos.saving import Mark
from photos.tasks import ON_DEMAND
from photos.tests.in_memory_flickr import NOW, FlickrParts, connect_to, new_sandbox
from realtime.actions import run_again
from realtime.models import Job, JobItem
from realtime.progress import Progress
from realtime.states import ItemState, JobState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


class Run:
    """One import against a sandbox, done."""

    def __init__(
        self, sandbox: Sandbox, *, mark: str | None = None, job: Job | None = None, **request: Any
    ) -> None:
        self.progress = Progress(job or Job(task="import", title="Import"))
        self.flickr = connect_to(sandbox)
        self.mark = None if mark is None else Mark(mark)
        self.query = PhotoQuery(**{"limit": 12} | request)
        self.result: dict[str, int] = async_to_sync(self._run)(self.flickr)

    async def _run(self, flickr: FlickrParts) -> dict[str, int]:
        work = ImportRun(
            progress=self.progress,
            source=flickr.source,
            downloads=flickr.downloads,
            query=self.query,
            mark=self.mark,
        )
        return await work.run()

    @property
    def items(self) -> dict[str, Any]:
        look = self.progress.look()
        return {item[0]: item for item in look["recent"]}


def outcome(new: int = 0, updated: int = 0, unchanged: int = 0, failed: int = 0) -> dict[str, int]:
    return {"new": new, "updated": updated, "unchanged": unchanged, "failed": failed}


def test_photos_are_saved_with_their_pictures() -> None:
    run = Run(new_sandbox())
    assert run.result == outcome(new=12)
    assert Photo.objects.shown().count() == 12
    for photo in Photo.objects.all():
        assert thumbnail_files.path_of(photo.flickr_id, photo.thumbnail).stat().st_size > 500
        assert max(photo.thumbnail_width, photo.thumbnail_height) <= 640


def test_progress_counts_every_photo_and_shows_its_thumbnail() -> None:
    run = Run(new_sandbox())
    look = run.progress.look()
    assert (look["done"], look["total"], look["unit"]) == (12, 12, "photo")
    assert look["phases"] == [["Reading Flickr", "done"], ["Saving photos", "done"]]
    assert look["counts"] == {"new": 12}
    photo = Photo.objects.newest_first()[0]
    assert photo.thumbnail_url in run.items[photo.flickr_id]


def test_a_second_import_changes_nothing_and_downloads_nothing() -> None:
    sandbox = new_sandbox()
    Run(sandbox)
    asked = len(sandbox.paths)
    assert Run(sandbox).result == outcome(unchanged=12)
    assert len(sandbox.paths) == asked + 1


def test_two_imports_at_once_count_each_photo_as_new_once() -> None:
    """Both find no photo, or none with a picture, before one of them has brought it."""

    async def both(one: ImportRun, other: ImportRun) -> list[dict[str, int]]:
        return list(await asyncio.gather(one.run(), other.run()))

    works = []
    for _ in range(2):
        flickr = connect_to(new_sandbox(latency=0.02))
        works.append(
            ImportRun(
                progress=Progress(Job(task="import", title="Import")),
                source=flickr.source,
                downloads=flickr.downloads,
                query=PhotoQuery(limit=12),
            )
        )
    results = async_to_sync(both)(*works)
    assert [sum(result.values()) for result in results] == [12, 12]
    assert sum(result["new"] for result in results) == 12
    assert sum(result["unchanged"] for result in results) == 12


LISTING = "/services/rest/"


def attempt_of(job: Job) -> Job:
    """The next run of `job`, as a worker begins it."""
    claimed = Job.objects.claim(job.pk, worker="w")
    assert claimed
    return claimed


def test_a_retry_does_only_what_failed() -> None:
    job = Job.objects.create(task=ON_DEMAND, title="Import")
    sandbox = new_sandbox(first_replies=(None, *(Reply(status=502),) * 100), gone_rate=0.4)
    first = Run(sandbox, job=attempt_of(job))
    assert first.result == outcome(failed=12)
    assert any(path.startswith(LISTING) for path in sandbox.paths)
    sandbox = new_sandbox(gone_rate=0.4)
    assert Job.objects.finish(first.progress.job, result=first.result, **first.progress.look())
    first.progress.save_items()
    job.refresh_from_db()
    assert job.failed == 12
    assert run_again(job)
    job.refresh_from_db()
    assert (job.failed, job.counts) == (0, {})
    second = Run(sandbox, job=attempt_of(job))
    assert sum(second.result.values()) == 12
    gone = second.result["failed"]
    assert 0 < gone < 12
    assert not any(path.startswith(LISTING) for path in sandbox.paths)
    assert Job.objects.finish(second.progress.job, result=second.result, **second.progress.look())
    second.progress.save_items()
    job.refresh_from_db()
    assert run_again(job)
    third = Run(sandbox, job=attempt_of(job))
    assert third.result == second.result
    assert third.progress.look()["total"] == gone, "those that failed, and these only"


def test_a_retry_that_was_cancelled_is_not_the_last_of_what_failed_in_it() -> None:
    job = Job.objects.create(task=ON_DEMAND, title="Import")
    first = Run(new_sandbox(first_replies=(None, *(TOO_MANY,) * 100)), job=attempt_of(job))
    assert first.result == outcome(failed=12)
    assert Job.objects.finish(first.progress.job, result=first.result, **first.progress.look())
    first.progress.save_items()
    job.refresh_from_db()
    assert run_again(job)
    retry = Progress(attempt_of(job))
    for key in sorted(retry.keys(ItemState.PENDING))[:5]:
        retry.item(key, "failed", state=ItemState.FAILED)
    assert Job.objects.cancel_running(retry.job, **retry.look())
    retry.save_items()
    job.refresh_from_db()
    assert run_again(job)
    third = Run(new_sandbox(), job=attempt_of(job))
    assert third.result == outcome(new=12)
    assert third.progress.look()["total"] == 12


def test_an_import_that_was_cancelled_goes_on_with_what_was_never_begun() -> None:
    job = Job.objects.create(task=ON_DEMAND, title="Import")
    sandbox = new_sandbox(first_replies=(None, *(TOO_MANY,) * 100))
    first = Run(sandbox, job=attempt_of(job), limit=5)
    assert first.result == outcome(failed=5)
    assert Job.objects.cancel_running(first.progress.job, **first.progress.look())
    first.progress.save_items()
    job.refresh_from_db()
    assert run_again(job)
    second = Run(new_sandbox(), job=attempt_of(job), limit=12)
    assert second.result == outcome(new=12)


def test_an_import_that_broke_off_goes_on_with_what_is_left() -> None:
    sandbox = new_sandbox()
    job = Job.objects.create(task=ON_DEMAND, title="Import")
    first = Run(sandbox, job=attempt_of(job), limit=5)
    first.progress.save_items()
    Job.objects.filter(pk=job.pk).update(state=JobState.QUEUED, fraction=0.5)
    second = Run(sandbox, job=attempt_of(job), limit=12)
    assert second.result == outcome(new=12)
    look = second.progress.look()
    assert (look["done"], look["total"]) == (12, 12)


def test_an_entry_that_cannot_be_read_fails_once_more() -> None:
    job = Job.objects.create(task=ON_DEMAND, title="Import", attempt=1)
    JobItem.objects.create(job=job, key="bad", state=ItemState.PENDING)
    run = Run(new_sandbox(), job=attempt_of(job))
    assert run.result == outcome(failed=1)
    assert "Flickr's data of this photo could not be read." in str(run.progress.ledger.unsaved())


def test_a_later_import_finds_query_for_new_photos() -> None:
    Run(new_sandbox())
    assert Run(new_sandbox(clock=lambda: NOW + 270)).result == outcome(new=3, unchanged=9)


def test_a_changed_photo_is_updated_without_a_download() -> None:
    sandbox = new_sandbox()
    Run(sandbox)
    photo = Photo.objects.newest_first()[0]
    Photo.objects.filter(pk=photo.pk).update(title="Before")
    asked = len(sandbox.paths)
    assert Run(sandbox).result == outcome(updated=1, unchanged=11)
    assert len(sandbox.paths) == asked + 1
    assert Photo.objects.newest_first()[0].title == photo.title


def test_a_replaced_picture_is_fetched_and_the_old_file_removed() -> None:
    sandbox = new_sandbox()
    photo, old = replaced(sandbox)
    assert Run(sandbox).result == outcome(updated=1, unchanged=11)
    photo.refresh_from_db()
    assert photo.has_its_picture
    assert photo.thumbnail != old
    assert not thumbnail_files.path_of(photo.flickr_id, old).exists()


@pytest.mark.parametrize("mark", [None, "sea"])
def test_a_replaced_picture_that_could_not_be_had_comes_with_a_later_import(
    mark: str | None,
) -> None:
    """One that sees the photo again, or a scheduled one whose mark has passed it."""
    photo, old = replaced(new_sandbox())
    refusing = new_sandbox(first_replies=(None, *(TOO_MANY,) * 100))
    assert Run(refusing).result == outcome(failed=1, unchanged=11)
    photo.refresh_from_db()
    assert photo.thumbnail == old
    tags = () if mark is None else ("nobody",)
    later = Run(new_sandbox(), mark=mark, tags=tags)
    assert later.result == outcome(updated=1, unchanged=0 if mark else 11)
    photo.refresh_from_db()
    assert photo.has_its_picture
    assert not thumbnail_files.path_of(photo.flickr_id, old).exists()


def test_a_replaced_picture_is_tried_for_anew() -> None:
    photo, _ = replaced(new_sandbox())
    Photo.objects.filter(pk=photo.pk).update(picture_tries=5, gone_at=photo.uploaded_at)
    Run(new_sandbox(first_replies=(None, *(TOO_MANY,) * 100)))
    assert list(Photo.objects.without_picture()) == [photo]


def replaced(sandbox: Sandbox) -> tuple[Photo, str]:
    """A photo that its owner has replaced since an import, and the thumbnail it has until then."""
    Run(sandbox)
    photo = Photo.objects.newest_first()[0]
    old = thumbnail_files.save(photo.flickr_id, _jpeg(sandbox)).digest
    urls = [url.replace("_", "_0ddba11") for url in photo.image_urls]
    before = f"{photo.flickr_id}_0ddba11"
    Photo.objects.filter(pk=photo.pk).update(
        image_urls=urls, picture=before, thumbnail_of=before, thumbnail=old
    )
    return photo, old


def _jpeg(sandbox: Sandbox) -> bytes:
    other = Photo.objects.order_by("uploaded_at")[0]
    flickr = connect_to(sandbox)
    return async_to_sync(flickr.downloads.get)(tuple(other.image_urls))


def test_one_photo_that_is_gone_does_not_end_the_import() -> None:
    run = Run(new_sandbox(gone_rate=0.3))
    failed = run.result["failed"]
    assert 0 < failed < 12
    assert run.result["new"] == 12 - failed
    assert Photo.objects.exclude(gone_at=None).count() == failed
    gone = Photo.objects.exclude(gone_at=None)[0]
    assert "no longer at Flickr" in str(run.items[gone.flickr_id])


def test_a_picture_that_is_gone_is_not_asked_for_again() -> None:
    sandbox = new_sandbox(gone_rate=1.0)
    Run(sandbox)
    asked = len(sandbox.paths)
    assert Run(sandbox, mark="").result == outcome(unchanged=12)
    assert len(sandbox.paths) == asked + 1


def test_bytes_that_are_no_picture_fail_that_photo_alone() -> None:
    sandbox = new_sandbox(
        first_replies=(None, Reply(body=b"GIF89a but not really", content_type="image/gif"))
    )
    run = Run(sandbox)
    assert run.result == outcome(new=11, failed=1)
    assert Photo.objects.without_picture().count() == 1


def test_a_429_on_pictures_does_not_fail_the_import() -> None:
    run = Run(new_sandbox(first_replies=(None, TOO_MANY, TOO_MANY)))
    assert run.result == outcome(new=12)
    assert any("slow down" in message for message in run.flickr.messages)


def test_pictures_refused_for_now_come_with_a_later_scheduled_import() -> None:
    first = Run(new_sandbox(first_replies=(None, *(TOO_MANY,) * 100)), mark="")
    assert first.result == outcome(failed=12)
    assert Photo.objects.shown().count() == 0
    later = Run(new_sandbox(clock=lambda: NOW + 90), mark="", since=int(NOW) - 30)
    assert later.result["failed"] == 0
    assert later.result["new"] >= 12
    assert Photo.objects.without_picture().count() == 0


def test_an_error_of_ours_fails_one_photo(monkeypatch: pytest.MonkeyPatch) -> None:
    save, calls = thumbnail_files.save, []

    def once_broken(flickr_id: str, picture: bytes) -> thumbnail_files.Thumbnail:
        calls.append(flickr_id)
        if len(calls) == 1:
            raise RuntimeError("secret detail")
        return save(flickr_id, picture)

    monkeypatch.setattr(thumbnail_files, "save", once_broken)
    run = Run(new_sandbox())
    assert run.result == outcome(new=11, failed=1)
    assert "secret detail" not in str(run.items)


def test_a_bad_entry_is_listed_with_its_reason() -> None:
    page = async_to_sync(_page)(new_sandbox(), 12)
    del page["photos"]["photo"][3]["owner"]
    run = Run(new_sandbox(first_replies=(Reply(body=json.dumps(page).encode()),)))
    assert run.result == outcome(new=12, failed=1)  # the next page had one more
    assert run.progress.look()["counts"] == {"new": 12, "failed": 1}
    assert "It has no owner." in str(run.progress.ledger.unsaved())


async def _page(sandbox: Sandbox, number: int) -> dict[str, Any]:
    flickr = connect_to(sandbox)
    params = {
        "method": "flickr.photos.getRecent",
        "api_key": flickr.config.api_key,
        "per_page": str(number),
        "extras": EXTRAS,
        "nojsoncallback": "1",
    }
    answer = await flickr.client.get(flickr.config.api_url, params=params, max_bytes=10**7)
    return parse.rest_document(answer.body)


def test_the_same_photo_twice_is_one() -> None:
    page = async_to_sync(_page)(new_sandbox(), 6)
    page["photos"]["photo"] *= 2
    run = Run(new_sandbox(first_replies=(Reply(body=json.dumps(page).encode()),)), limit=6)
    assert run.result == outcome(new=6)


def test_pages_that_move_save_no_photo_twice() -> None:
    run = Run(new_sandbox(new_photos_per_request=40, gone_rate=1.0), limit=110)
    assert run.result["failed"] == Photo.objects.count() > 100


def test_an_empty_answer_deletes_nothing() -> None:
    Run(new_sandbox(), mark="", since=1)
    before = ImportMark.objects.get().uploaded_at
    assert Run(new_sandbox(photos=0), mark="").result == outcome()
    assert Photo.objects.shown().count() == 12
    assert ImportMark.objects.get().uploaded_at == before


def test_an_import_that_is_refused_fails_and_keeps_the_mark() -> None:
    refusal = Reply(body=b'{"stat":"fail","code":100,"message":"Invalid API Key"}')
    with pytest.raises(KeyRefusedError):
        Run(new_sandbox(first_replies=(refusal,)), mark="")
    assert not ImportMark.objects.exists()


def test_a_page_that_cannot_be_read_is_tried_again() -> None:
    assert Run(new_sandbox(first_replies=(MAINTENANCE_PAGE,))).result == outcome(new=12)


def test_oldest_first_the_mark_moves_with_each_page() -> None:
    Run(new_sandbox(), mark="", since=1, oldest_first=True, limit=5)
    newest = Photo.objects.newest_first()[0]
    assert ImportMark.objects.get().uploaded_at == newest.uploaded_at


def test_oldest_first_a_failure_keeps_what_was_read() -> None:
    broken = new_sandbox(first_replies=(None, *(Reply(status=502),) * 9))
    with pytest.raises(ServerFaultError):
        Run(broken, mark="sea", tags=("landscape",), since=1, oldest_first=True, limit=150)
    assert Photo.objects.count() == 100
    assert (
        ImportMark.objects.get(tags="sea").uploaded_at
        == Photo.objects.newest_first()[0].uploaded_at
    )


def test_newest_first_a_failure_leaves_the_mark_where_it_was() -> None:
    broken = new_sandbox(first_replies=(None, *(Reply(status=502),) * 9))
    with pytest.raises(ServerFaultError):
        Run(broken, mark="", limit=150)
    assert Photo.objects.count() == 100
    assert not ImportMark.objects.exists()


def test_a_second_that_fills_an_import_does_not_hold_it_for_ever() -> None:
    Run(new_sandbox(), mark="", since=1, oldest_first=True, limit=1)
    mark = ImportMark.objects.get().uploaded_at
    since = int(mark.timestamp())
    Run(new_sandbox(), mark="", since=since, oldest_first=True, limit=1)
    assert ImportMark.objects.get().uploaded_at == mark + timedelta(seconds=1)


def test_the_mark_never_moves_back() -> None:
    later = datetime(2090, 1, 1, tzinfo=UTC)
    ImportMark.objects.create(tags="", uploaded_at=later)
    Run(new_sandbox(), mark="")
    assert ImportMark.objects.get().uploaded_at == later


def test_licences_come_with_the_photos() -> None:
    Run(new_sandbox())
    assert Licence.objects.exists()
    assert all(photo.licence for photo in Photo.objects.select_related("licence"))


@pytest.mark.parametrize(
    ("told", "name"), [(b"[]", "Licence 99 of Flickr"), (b'[{"id":"99","name":"New"}]', "New")]
)
def test_a_licence_not_known_yet_is_asked_for(told: bytes, name: str) -> None:
    page = async_to_sync(_page)(new_sandbox(), 12)
    page["photos"]["photo"][0]["license"] = "99"
    licences = Reply(body=b'{"stat":"ok","licenses":{"license":%s}}' % told)
    Run(new_sandbox(first_replies=(Reply(body=json.dumps(page).encode()), licences)))
    assert Licence.objects.get(pk=99).name == name


def test_the_feed_keeps_what_the_api_told() -> None:
    Run(new_sandbox(), limit=20)
    flickr = connect_to(new_sandbox())

    async def by_feed() -> dict[str, int]:
        work = ImportRun(
            progress=Progress(Job(task="import", title="Import")),
            source=flickr.feed,
            downloads=flickr.downloads,
            query=PhotoQuery(limit=20),
        )
        return await work.run()

    assert async_to_sync(by_feed)()["new"] == 0
    assert not Photo.objects.filter(licence=None).exists()


def test_hostile_words_are_kept_harmless() -> None:
    Run(new_sandbox(hostile_rate=1.0, gone_rate=1.0), limit=60)
    photos = list(Photo.objects.all())
    assert any("<script>" in photo.title for photo in photos)
    assert not any("<script" in photo.description for photo in photos)
    assert not any("javascript:" in photo.description for photo in photos)


def test_a_cancel_ends_it_and_leaves_no_half_files(media: Path) -> None:
    async def cancelled() -> None:
        flickr = connect_to(new_sandbox(latency=0.02))
        work = ImportRun(
            progress=Progress(Job(task="import", title="Import")),
            source=flickr.source,
            downloads=flickr.downloads,
            query=PhotoQuery(limit=60),
        )
        task = asyncio.ensure_future(work.run())
        while not await Photo.objects.shown().aexists():  # noqa: ASYNC110 - a row tells
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async_to_sync(cancelled)()
    assert 0 < Photo.objects.shown().count() < 60
    assert not [path for path in media.rglob("*") if path.name.startswith(".new-")]

from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import Any

import httpx
import pytest
from asgiref.sync import async_to_sync
from django.core.management import CommandError, call_command
from pytest_django import Settings

from photos import flickr_client, import_requests
from photos.flickr.errors import KeyRefusedError
from photos.models import ImportMark, Photo
from photos.sandbox.app import Sandbox
from photos.saving import Mark
from photos.tags import TAGS_MAX
from photos.tasks import (
    FIRST_LIMIT,
    import_photos,
    query_for_new_photos,
    task_save_latest_flickr_image,
)
from photos.tests.factories import create_photo
from photos.tests.in_memory_flickr import SITE, new_sandbox
from realtime.enqueue import enqueue
from realtime.models import Job
from realtime.progress import Progress
from realtime.states import JobState, Visibility
from realtime.testing import run_task

pytestmark = pytest.mark.django_db


@pytest.fixture
def sandbox(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sandbox:
    """The site's settings, its Flickr a sandbox in memory."""
    settings.MEDIA_ROOT = tmp_path
    settings.FLICKR_SOURCE = "sandbox"
    settings.FLICKR_API_URL = f"{SITE}/services/rest/"
    settings.FLICKR_FEED_URL = f"{SITE}/services/feeds/photos_public.gne"
    settings.FLICKR_IMAGE_HOSTS = [SITE.removeprefix("http://")]
    settings.FLICKR_IMPORT_MAX = 15
    sandbox = new_sandbox()
    monkeypatch.setattr(flickr_client, "new_transport", lambda: httpx.ASGITransport(app=sandbox))
    monkeypatch.setattr(flickr_client, "SECONDS_PER_REQUEST", 0)
    return sandbox


class Worker:
    """Stands for the task object in a body that is called without a worker."""

    def __init__(self, job: Job) -> None:
        self.progress = Progress(job)
        self.job_id = job.pk


def body_of(task: Any) -> Any:
    return async_to_sync(task.__class__.run.__wrapped__)


def a_job(**fields: Any) -> Job:
    return Job.objects.create(task="t", title="Import", queue="celery", **fields)


@pytest.mark.usefixtures("sandbox")
def test_an_import_on_demand_has_the_newest_with_these_tags() -> None:
    worker = Worker(a_job())
    result = body_of(import_photos)(worker, tags="sea, dusk", limit=4)
    assert result == {"new": 4, "updated": 0, "unchanged": 0, "failed": 0}
    assert all({"sea", "dusk"} <= set(one.tags) for one in Photo.objects.all())
    assert not ImportMark.objects.exists()


@pytest.mark.usefixtures("sandbox")
def test_whoever_watches_sees_every_photo_come() -> None:
    run = run_task(import_photos, tags="", limit=4)
    assert run.job.state == JobState.SUCCEEDED
    assert list(run.outcomes.values()) == ["new"] * 4
    last = run.snapshots[-1]
    assert (last.fraction, last.counts, len(last.items)) == (1.0, {"new": 4}, 4)
    bar = [shown.fraction or 0.0 for shown in run.snapshots]
    assert bar == sorted(bar)
    saved = [shown.counts.get("new", 0) for shown in run.snapshots]
    assert set(saved) == {0, 1, 2, 3, 4}


@pytest.mark.usefixtures("sandbox")
def test_an_import_on_demand_stays_its_owners_affair() -> None:
    job = a_job()
    body_of(import_photos)(Worker(job), tags="", limit=1)
    assert enqueue(import_photos, kwargs={"tags": "", "limit": 1}).visibility == Visibility.PRIVATE


@pytest.mark.usefixtures("sandbox")
def test_the_scheduled_import_is_public_and_goes_on_where_it_stopped() -> None:
    job = a_job()
    assert body_of(task_save_latest_flickr_image)(Worker(job))["new"] == 15
    again = body_of(task_save_latest_flickr_image)(Worker(job))
    assert again == {"new": 0, "updated": 0, "unchanged": 1, "failed": 0}
    assert enqueue(task_save_latest_flickr_image).visibility == Visibility.PUBLIC


def test_the_feed_gives_twenty_and_says_so(sandbox: Sandbox, settings: Settings) -> None:
    settings.FLICKR_SOURCE = "feed"
    worker = Worker(a_job())
    result = body_of(import_photos)(worker, tags="", limit=60)
    assert result["new"] == 20
    assert worker.progress.total == 20
    assert "20 newest" in worker.progress.message
    assert "/services/rest/" not in sandbox.paths


@pytest.mark.usefixtures("sandbox")
def test_a_bogus_key_fails_with_a_sentence_for_people(settings: Settings) -> None:
    settings.FLICKR_SOURCE, settings.FLICKR_API_KEY = "api", "bogus-0123"
    with pytest.raises(KeyRefusedError, match="operator") as caught:
        body_of(import_photos)(Worker(a_job()), tags="", limit=1)
    assert "bogus-0123" not in str(caught.value)


def test_requests_wait_for_their_turn(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flickr_client, "SECONDS_PER_REQUEST", 0.2)
    begun = monotonic()
    for _ in range(3):
        body_of(import_photos)(Worker(a_job()), tags="nobody", limit=1)
    assert monotonic() - begun >= 0.4


MARK = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("source", "tags", "marked", "since", "oldest_first", "limit"),
    [
        ("api", "", False, None, False, FIRST_LIMIT),
        ("api", "", True, 1777593600, False, 500),
        ("api", "sea", True, 1777593600, True, 500),
        ("sandbox", "sea", True, 1777593600, True, 500),
        ("sandbox", "sea", False, None, False, FIRST_LIMIT),
        ("feed", "sea", True, None, False, FIRST_LIMIT),
    ],
)
def test_what_a_scheduled_import_asks_for(
    settings: Settings,
    source: str,
    tags: str,
    marked: bool,
    since: int | None,
    oldest_first: bool,
    limit: int,
) -> None:
    settings.FLICKR_SOURCE, settings.FLICKR_IMPORT_MAX = source, 500
    if marked:
        ImportMark.objects.create(tags=tags, uploaded_at=MARK)
    request = query_for_new_photos(Mark(tags))
    assert (request.since, request.oldest_first, request.limit) == (since, oldest_first, limit)
    assert request.tags == tuple(filter(None, [tags]))


# The import that fills a new site


def test_a_new_site_begins_with_a_public_import() -> None:
    call_command("first_import")
    job = Job.objects.get()
    assert (job.task, job.visibility, job.owner) == ("import_photos", Visibility.PUBLIC, None)
    assert job.kwargs == {"tags": "", "limit": FIRST_LIMIT}


def test_it_is_asked_for_once() -> None:
    call_command("first_import")
    call_command("first_import")
    assert Job.objects.count() == 1


def test_a_site_with_photos_is_not_new() -> None:
    create_photo()
    call_command("first_import")
    assert not Job.objects.exists()


def test_an_import_that_failed_may_be_asked_for_again() -> None:
    call_command("first_import")
    Job.objects.update(state=JobState.FAILED)
    call_command("first_import")
    assert Job.objects.count() == 2


@pytest.mark.parametrize(
    ("tags", "limit", "title"),
    [
        ((), 1, "Import 1 photo"),
        ((), 60, "Import 60 photos"),
        (("sea", "dusk"), 60, "Import 60 photos tagged sea, dusk"),
        (("x" * 64,) * TAGS_MAX, 60, None),
    ],
)
def test_titles(tags: tuple[str, ...], limit: int, title: str | None) -> None:
    made = import_requests.title(tags=tags, limit=limit)
    assert len(made) <= 255
    assert title in (None, made)


@pytest.mark.usefixtures("sandbox")
def test_photos_for_development_are_made_without_a_worker(
    capsys: pytest.CaptureFixture[str],
) -> None:
    call_command("make_photos", "3")
    assert Photo.objects.shown().count() == 3
    assert "3 new" in capsys.readouterr().out


@pytest.mark.parametrize("source", ["feed", "api"])
def test_a_site_of_real_photos_gets_no_invented_ones(settings: Settings, source: str) -> None:
    settings.FLICKR_SOURCE = source
    with pytest.raises(CommandError, match="sandbox"):
        call_command("make_photos")

from datetime import UTC, datetime
from time import monotonic
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from pytest_django import Settings

from photos import flickr_client
from photos.flickr.errors import KeyRefusedError
from photos.models import ImportMark, Photo
from photos.sandbox.app import Sandbox
from photos.saving import Mark
from photos.tasks import (
    FIRST_LIMIT,
    import_photos,
    query_for_new_photos,
    task_save_latest_flickr_image,
)
from realtime.jobs import enqueue
from realtime.models import Job
from realtime.progress import Progress
from realtime.states import JobState, Visibility
from realtime.testing import run_task

pytestmark = pytest.mark.django_db


class FakeTask:
    """The task object for a body that is called without a worker."""

    def __init__(self, job: Job) -> None:
        self.progress = Progress(job)
        self.job_id = job.pk


def body_of(task: Any) -> Any:
    return async_to_sync(task.__class__.run.__wrapped__)


def create_job(**fields: Any) -> Job:
    return Job.objects.create(task="t", title="Import", queue="celery", **fields)


@pytest.mark.usefixtures("sandbox")
def test_an_import_on_demand_gets_the_newest_photos_with_the_tags() -> None:
    task = FakeTask(create_job())
    result = body_of(import_photos)(task, tags="sea, dusk", limit=4)
    assert result == {"new": 4, "updated": 0, "unchanged": 0, "failed": 0}
    assert all({"sea", "dusk"} <= set(photo.tags) for photo in Photo.objects.all())
    assert not ImportMark.objects.exists()


@pytest.mark.usefixtures("sandbox")
def test_a_viewer_sees_the_progress_of_every_photo() -> None:
    run = run_task(import_photos, tags="", limit=4)
    assert run.job.state == JobState.SUCCEEDED
    assert list(run.outcomes.values()) == ["new"] * 4
    last = run.snapshots[-1]
    assert (last.fraction, last.counts, len(last.items)) == (1.0, {"new": 4}, 4)
    fractions = [snapshot.fraction or 0.0 for snapshot in run.snapshots]
    assert fractions == sorted(fractions)
    new_counts = [snapshot.counts.get("new", 0) for snapshot in run.snapshots]
    assert set(new_counts) == {0, 1, 2, 3, 4}


@pytest.mark.usefixtures("sandbox")
def test_an_import_on_demand_is_private() -> None:
    assert enqueue(import_photos, kwargs={"tags": "", "limit": 1}).visibility == Visibility.PRIVATE


@pytest.mark.usefixtures("sandbox")
def test_the_scheduled_import_is_public_and_continues_at_its_mark() -> None:
    job = create_job()
    assert body_of(task_save_latest_flickr_image)(FakeTask(job))["new"] == 15
    second = body_of(task_save_latest_flickr_image)(FakeTask(job))
    assert second == {"new": 0, "updated": 0, "unchanged": 1, "failed": 0}
    assert enqueue(task_save_latest_flickr_image).visibility == Visibility.PUBLIC


def test_an_import_from_the_feed_gets_20_photos_with_a_message(
    sandbox: Sandbox, settings: Settings
) -> None:
    settings.FLICKR_SOURCE = "feed"
    task = FakeTask(create_job())
    result = body_of(import_photos)(task, tags="", limit=60)
    assert result["new"] == 20
    assert task.progress.total == 20
    assert "20 newest" in task.progress.message
    assert "/services/rest/" not in sandbox.paths


@pytest.mark.usefixtures("sandbox")
def test_a_wrong_key_fails_with_a_readable_message(settings: Settings) -> None:
    settings.FLICKR_SOURCE, settings.FLICKR_API_KEY = "api", "bogus-0123"
    with pytest.raises(KeyRefusedError, match="operator") as caught:
        body_of(import_photos)(FakeTask(create_job()), tags="", limit=1)
    assert "bogus-0123" not in str(caught.value)


def test_requests_keep_the_rate_limit(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(flickr_client, "SECONDS_PER_REQUEST", 0.2)
    started_at = monotonic()
    for _ in range(3):
        body_of(import_photos)(FakeTask(create_job()), tags="nobody", limit=1)
    assert monotonic() - started_at >= 0.4


MARK = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("source", "tags", "has_mark", "since", "oldest_first", "limit"),
    [
        ("api", "", False, None, False, FIRST_LIMIT),
        ("api", "", True, 1777593600, False, 500),
        ("api", "sea", True, 1777593600, True, 500),
        ("sandbox", "sea", True, 1777593600, True, 500),
        ("sandbox", "sea", False, None, False, FIRST_LIMIT),
        ("feed", "sea", True, None, False, FIRST_LIMIT),
    ],
)
def test_the_query_of_a_scheduled_import(
    settings: Settings,
    source: str,
    tags: str,
    has_mark: bool,
    since: int | None,
    oldest_first: bool,
    limit: int,
) -> None:
    settings.FLICKR_SOURCE, settings.FLICKR_IMPORT_MAX = source, 500
    if has_mark:
        ImportMark.objects.create(tags=tags, uploaded_at=MARK)
    query = query_for_new_photos(Mark(tags))
    assert (query.since, query.oldest_first, query.limit) == (since, oldest_first, limit)
    assert query.tags == tuple(filter(None, [tags]))

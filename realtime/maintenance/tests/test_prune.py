from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.conf import settings as site
from django.db.models import QuerySet
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from realtime import tasks
from realtime.files import storage
from realtime.maintenance import prune
from realtime.maintenance.prune import delete_expired_rows, delete_old, delete_surplus
from realtime.models import Job, JobEvent, JobItem, ScheduledRun, Worker
from realtime.states import FINISHED, JobState

pytestmark = pytest.mark.django_db

DAYS = 30
UNFINISHED = sorted(set(JobState) - FINISHED)


def ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)


def make(name: str, *, days: float = 0.0, parent: Job | None = None, **fields: Any) -> Job:
    """A job that ended `days` ago."""
    ended = {"state": JobState.SUCCEEDED, "finished_at": ago(days)}
    return Job.objects.create(
        **{"task": "t", "title": name, "queue": "celery", "parent": parent} | ended | fields
    )


def titles() -> set[str]:
    return set(Job.objects.values_list("title", flat=True))


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "CHUNK_SIZE", 2)


@pytest.mark.parametrize("state", sorted(FINISHED))
@pytest.mark.parametrize(("days", "stays"), [(29.999, True), (30, False), (30.001, False)])
def test_a_finished_job_is_deleted_after_the_retention_days(
    state: str, days: float, stays: bool
) -> None:
    make("job", days=days, state=state)
    assert asdict(delete_expired_rows())["jobs"] == (0 if stays else 1)
    assert bool(titles()) is stays


@pytest.mark.parametrize("state", UNFINISHED)
def test_an_unfinished_job_is_never_deleted(state: str, settings: Settings) -> None:
    settings.REALTIME_RETENTION_JOBS = 1
    make("job", state=state, finished_at=None, queued_at=ago(1000))
    make("another", state=state, finished_at=ago(1000))  # as of a job that is run again
    asdict(delete_expired_rows())
    assert titles() == {"job", "another"}


@pytest.mark.parametrize(
    ("number", "deleted"), [(4, set()), (5, set()), (6, {"0"}), (8, {"0", "1", "2"})]
)
def test_the_oldest_surplus_jobs_are_deleted(
    number: int, deleted: set[str], settings: Settings, small_chunks: None
) -> None:
    settings.REALTIME_RETENTION_JOBS = 5
    names = [str(n) for n in range(number)]
    for n in reversed(range(number)):
        make(names[n], days=10 - n)
    make("waiting", state=JobState.QUEUED, finished_at=None)
    assert asdict(delete_expired_rows())["jobs"] == len(deleted)
    assert titles() == set(names) - deleted | {"waiting"}


def test_days_and_number_apply_together(settings: Settings) -> None:
    settings.REALTIME_RETENTION_JOBS = 2
    for days in (1, 2, 3, 31, 32):
        make(str(days), days=days)
    assert asdict(delete_expired_rows())["jobs"] == 3
    assert titles() == {"1", "2"}


def test_the_ledger_timeline_and_files_of_a_job_are_deleted_too(
    django_capture_on_commit_callbacks: Any,
) -> None:
    old, young = make("old", days=31), make("young")
    for job in (old, young):
        JobItem.objects.create(job=job, key="1")
        JobEvent.objects.create(job=job, kind="state")
        storage.folder_of(job.pk).mkdir(parents=True)
        (storage.folder_of(job.pk) / "file").touch()
    with django_capture_on_commit_callbacks(execute=True):
        asdict(delete_expired_rows())
    assert JobItem.objects.get().job == young
    assert JobEvent.objects.get().job == young
    assert not storage.folder_of(old.pk).exists()
    assert storage.folder_of(young.pk).exists()


def test_a_job_is_deleted_with_its_descendants(small_chunks: None) -> None:
    root = make("root", days=40)
    for name in "abc":
        child = make(name, days=41, parent=root)
        for number in range(3):
            make(f"{name}{number}", days=42, parent=child)
    make("other")
    assert asdict(delete_expired_rows())["jobs"] == 13
    assert titles() == {"other"}


@pytest.mark.parametrize("state", UNFINISHED)
@pytest.mark.parametrize("unfinished_job", ["root", "child", "grandchild"])
def test_a_family_stays_while_one_of_its_jobs_is_unfinished(
    unfinished_job: str, state: str, settings: Settings
) -> None:
    settings.REALTIME_RETENTION_JOBS = 1
    unfinished = {"state": state, "finished_at": None}

    def fields(name: str) -> dict[str, Any]:
        return unfinished if name == unfinished_job else {}

    root = make("root", days=50, **fields("root"))
    child = make("child", days=50, parent=root, **fields("child"))
    make("grandchild", days=50, parent=child, **fields("grandchild"))
    make("sibling", days=50, parent=root)
    make("old", days=31)
    asdict(delete_expired_rows())
    assert titles() == {"root", "child", "grandchild", "sibling"}


def test_a_family_stays_while_one_of_its_jobs_ended_recently() -> None:
    root = make("root", days=50)
    make("run again", days=1, parent=root)
    assert delete_old(before=ago(DAYS)) == 0
    assert titles() == {"root", "run again"}


def test_a_child_is_not_deleted_without_its_parent() -> None:
    root = make("root", state=JobState.RUNNING, finished_at=None)
    make("child", days=50, parent=root)
    assert asdict(delete_expired_rows())["jobs"] == 0


def test_surplus_families_are_deleted_as_a_whole() -> None:
    root = make("root", days=9)
    for number in range(4):
        make(f"child {number}", days=9, parent=root)
    make("next", days=8)
    make("newest", days=7)
    assert delete_surplus(max_jobs=6) == 5
    assert titles() == {"next", "newest"}


def test_families_that_stay_do_not_stop_the_deletion_of_later_ones(small_chunks: None) -> None:
    for number in range(5):
        root = make(f"root {number}", days=50)
        make(f"child {number}", state=JobState.RUNNING, finished_at=None, parent=root)
    make("old", days=40)
    make("newest")
    assert delete_surplus(max_jobs=6) == 1
    assert "old" not in titles()
    assert "newest" in titles()


def test_jobs_that_ended_at_the_same_time_are_all_deleted(small_chunks: None) -> None:
    moment = ago(31)
    for number in range(7):
        make(str(number), finished_at=moment)
    assert asdict(delete_expired_rows())["jobs"] == 7


def test_a_job_that_is_run_again_during_the_deletion_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    make("again", days=31)
    make("old", days=31)
    roots = prune._roots

    def run_again_meanwhile(**limits: Any) -> Iterator[Any]:
        for page in roots(**limits):
            Job.objects.filter(title="again").update(state=JobState.QUEUED)
            yield page

    monkeypatch.setattr(prune, "_roots", run_again_meanwhile)
    assert asdict(delete_expired_rows())["jobs"] == 1
    assert titles() == {"again"}


def test_a_child_that_is_run_again_during_the_deletion_stays_with_its_parent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = make("root", days=31)
    make("again", days=31, parent=root)
    make("old", days=31, parent=root)
    family = prune._family

    def run_again_meanwhile(*args: Any, **limits: Any) -> Any:
        ids = family(*args, **limits)
        Job.objects.filter(title="again").update(state=JobState.QUEUED)
        return ids

    monkeypatch.setattr(prune, "_family", run_again_meanwhile)
    asdict(delete_expired_rows())
    assert {"root", "again"} <= titles()


def test_a_transaction_deletes_at_most_one_chunk(
    small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []
    delete = prune._delete

    def count(ids: Any) -> int:
        sizes.append(len(ids))
        return delete(ids)

    monkeypatch.setattr(prune, "_delete", count)
    root = make("root", days=31)
    for number in range(4):
        make(f"child {number}", days=31, parent=root)
        make(str(number), days=31)
    assert asdict(delete_expired_rows())["jobs"] == 9
    assert max(sizes) == 2


def test_a_call_that_deletes_nothing_takes_few_queries(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    make("young")
    with django_assert_max_num_queries(8):
        asdict(delete_expired_rows())


@pytest.mark.parametrize(("days", "stays"), [(29.999, True), (30.001, False)])
def test_old_schedule_turns_and_workers_are_deleted_too(days: float, stays: bool) -> None:
    ScheduledRun.objects.create(schedule="s", slot=timezone.now(), taken_at=ago(days))
    Worker.objects.create(name="w", first_seen_at=ago(100), heartbeat_at=ago(days))
    deleted = asdict(delete_expired_rows())
    assert (deleted["turns"], deleted["workers"]) == ((0, 0) if stays else (1, 1))
    querysets: list[QuerySet[Any]] = [ScheduledRun.objects.all(), Worker.objects.all()]
    assert [rows.exists() for rows in querysets] == [stays, stays]


def test_the_task_is_scheduled_and_not_tracked() -> None:
    assert tasks.prune.name in {entry["task"] for entry in site.CELERY_BEAT_SCHEDULE.values()}
    assert not tasks.prune.track

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
    """A job that ended so many days ago."""
    ended = {"state": JobState.SUCCEEDED, "finished_at": ago(days)}
    return Job.objects.create(
        **{"task": "t", "title": name, "queue": "celery", "parent": parent} | ended | fields
    )


def left() -> set[str]:
    return set(Job.objects.values_list("title", flat=True))


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "CHUNK_SIZE", 2)


@pytest.mark.parametrize("state", sorted(FINISHED))
@pytest.mark.parametrize(("days", "stays"), [(29.999, True), (30, False), (30.001, False)])
def test_a_finished_job_is_kept_for_so_many_days(state: str, days: float, stays: bool) -> None:
    make("job", days=days, state=state)
    assert asdict(delete_expired_rows())["jobs"] == (0 if stays else 1)
    assert bool(left()) is stays


@pytest.mark.parametrize("state", UNFINISHED)
def test_an_unfinished_job_is_kept_for_ever(state: str, settings: Settings) -> None:
    settings.REALTIME_RETENTION_JOBS = 1
    make("job", state=state, finished_at=None, queued_at=ago(1000))
    make("another", state=state, finished_at=ago(1000))  # as one has that is run again
    asdict(delete_expired_rows())
    assert left() == {"job", "another"}


@pytest.mark.parametrize(
    ("number", "gone"), [(4, set()), (5, set()), (6, {"0"}), (8, {"0", "1", "2"})]
)
def test_so_many_finished_jobs_are_kept_the_newest(
    number: int, gone: set[str], settings: Settings, small_batches: None
) -> None:
    settings.REALTIME_RETENTION_JOBS = 5
    names = [str(n) for n in range(number)]
    for n in reversed(range(number)):
        make(names[n], days=10 - n)
    make("waiting", state=JobState.QUEUED, finished_at=None)
    assert asdict(delete_expired_rows())["jobs"] == len(gone)
    assert left() == set(names) - gone | {"waiting"}


def test_days_and_number_hold_together(settings: Settings) -> None:
    settings.REALTIME_RETENTION_JOBS = 2
    for days in (1, 2, 3, 31, 32):
        make(str(days), days=days)
    assert asdict(delete_expired_rows())["jobs"] == 3
    assert left() == {"1", "2"}


def test_what_belongs_to_a_job_goes_with_it(django_capture_on_commit_callbacks: Any) -> None:
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


def test_parents_go_with_their_children_and_theirs(small_batches: None) -> None:
    root = make("root", days=40)
    for name in "abc":
        child = make(name, days=41, parent=root)
        for number in range(3):
            make(f"{name}{number}", days=42, parent=child)
    make("other")
    assert asdict(delete_expired_rows())["jobs"] == 13
    assert left() == {"other"}


@pytest.mark.parametrize("state", UNFINISHED)
@pytest.mark.parametrize("who", ["root", "child", "grandchild"])
def test_a_family_stays_while_one_of_it_has_not_ended(
    who: str, state: str, settings: Settings
) -> None:
    settings.REALTIME_RETENTION_JOBS = 1
    how = {"state": state, "finished_at": None}

    def fields(name: str) -> dict[str, Any]:
        return how if name == who else {}

    root = make("root", days=50, **fields("root"))
    child = make("child", days=50, parent=root, **fields("child"))
    make("grandchild", days=50, parent=child, **fields("grandchild"))
    make("sibling", days=50, parent=root)
    make("old", days=31)
    asdict(delete_expired_rows())
    assert left() == {"root", "child", "grandchild", "sibling"}


def test_a_family_stays_while_one_of_it_has_ended_lately() -> None:
    root = make("root", days=50)
    make("run again", days=1, parent=root)
    assert delete_old(before=ago(DAYS)) == 0
    assert left() == {"root", "run again"}


def test_a_child_alone_is_never_forgotten() -> None:
    root = make("root", state=JobState.RUNNING, finished_at=None)
    make("child", days=50, parent=root)
    assert asdict(delete_expired_rows())["jobs"] == 0


def test_a_family_goes_as_a_whole_when_there_are_too_many() -> None:
    root = make("root", days=9)
    for number in range(4):
        make(f"child {number}", days=9, parent=root)
    make("next", days=8)
    make("newest", days=7)
    assert delete_surplus(kept=6) == 5
    assert left() == {"next", "newest"}


def test_families_that_stay_do_not_keep_the_next_ones_from_going(small_batches: None) -> None:
    for number in range(5):
        root = make(f"root {number}", days=50)
        make(f"child {number}", state=JobState.RUNNING, finished_at=None, parent=root)
    make("old", days=40)
    make("newest")
    assert delete_surplus(kept=6) == 1
    assert "old" not in left()
    assert "newest" in left()


def test_jobs_that_ended_at_the_same_moment_are_all_found(small_batches: None) -> None:
    moment = ago(31)
    for number in range(7):
        make(str(number), finished_at=moment)
    assert asdict(delete_expired_rows())["jobs"] == 7


def test_a_job_that_is_run_again_meanwhile_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    make("again", days=31)
    make("old", days=31)
    roots = prune._roots

    def run_again_meanwhile(**limits: Any) -> Iterator[Any]:
        for page in roots(**limits):
            Job.objects.filter(title="again").update(state=JobState.QUEUED)
            yield page

    monkeypatch.setattr(prune, "_roots", run_again_meanwhile)
    assert asdict(delete_expired_rows())["jobs"] == 1
    assert left() == {"again"}


def test_a_child_that_is_run_again_meanwhile_stays_with_its_parents(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    root = make("root", days=31)
    make("again", days=31, parent=root)
    make("old", days=31, parent=root)
    family = prune._family

    def run_again_meanwhile(*args: Any, **limits: Any) -> Any:
        found = family(*args, **limits)
        Job.objects.filter(title="again").update(state=JobState.QUEUED)
        return found

    monkeypatch.setattr(prune, "_family", run_again_meanwhile)
    asdict(delete_expired_rows())
    assert {"root", "again"} <= left()


def test_it_deletes_in_short_transactions(
    small_batches: None, monkeypatch: pytest.MonkeyPatch
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


def test_nothing_to_forget_is_found_out_quickly(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    make("young")
    with django_assert_max_num_queries(8):
        asdict(delete_expired_rows())


@pytest.mark.parametrize(("days", "stays"), [(29.999, True), (30.001, False)])
def test_turns_and_workers_are_forgotten_too(days: float, stays: bool) -> None:
    ScheduledRun.objects.create(schedule="s", slot=timezone.now(), taken_at=ago(days))
    Worker.objects.create(name="w", first_seen_at=ago(100), heartbeat_at=ago(days))
    found = asdict(delete_expired_rows())
    assert (found["turns"], found["workers"]) == ((0, 0) if stays else (1, 1))
    kept: list[QuerySet[Any]] = [ScheduledRun.objects.all(), Worker.objects.all()]
    assert [rows.exists() for rows in kept] == [stays, stays]


def test_it_is_scheduled_and_no_job_itself() -> None:
    assert tasks.prune.name in {entry["task"] for entry in site.CELERY_BEAT_SCHEDULE.values()}
    assert not tasks.prune.track

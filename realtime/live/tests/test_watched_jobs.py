from collections.abc import Callable
from uuid import UUID, uuid4

import pytest
from django.utils import timezone

from realtime.access import Viewer
from realtime.channel_layer.messages import JobMessage, group, job_message
from realtime.live.watched_job import WatchedJob
from realtime.live.watched_jobs import ReadMessages, WatchedJobs
from realtime.live.watcher import Watcher
from realtime.models import Job


class SilentWatcher(Watcher):
    def wake(self) -> None:
        pass


@pytest.fixture
def job() -> Job:
    return Job(id=uuid4(), title="T", queued_at=timezone.now())


@pytest.fixture
def jobs(job: Job) -> WatchedJobs:
    """The job is watched, and no message has come for a long time."""
    jobs = WatchedJobs()
    jobs.add(SilentWatcher(Viewer()), job.pk, job_message(job))
    watched_job(jobs).updated_at = 0.0
    return jobs


def watched_job(jobs: WatchedJobs) -> WatchedJob:
    [watched] = jobs._jobs.values()
    return watched


def reader(*rows: Job, meanwhile: Callable[[], None] = lambda: None) -> ReadMessages:
    """A database with these rows; `meanwhile` is called while it is being read."""

    async def read(ids: list[UUID]) -> list[JobMessage]:
        messages = [job_message(row) for row in rows if row.pk in ids]
        meanwhile()
        return messages

    return read


def fail() -> None:
    raise OSError("away")


async def test_a_job_that_was_read_is_not_silent(jobs: WatchedJobs, job: Job) -> None:
    assert watched_job(jobs).is_silent()
    job.revision += 1
    await jobs.repair(reader(job))
    assert not watched_job(jobs).is_silent()
    assert watched_job(jobs).version == (1, 0)


@pytest.mark.parametrize("exists", [True, False])
async def test_a_group_that_is_joined_during_the_read_needs_another(
    jobs: WatchedJobs, job: Job, exists: bool
) -> None:
    rows = [job] if exists else []
    await jobs.repair(reader(*rows, meanwhile=lambda: jobs.mark_group_joined(group(job.pk))))
    assert watched_job(jobs).is_silent()


async def test_a_read_that_fails_is_repeated(jobs: WatchedJobs, job: Job) -> None:
    with pytest.raises(OSError, match="away"):
        await jobs.repair(reader(job, meanwhile=fail))
    assert watched_job(jobs).is_silent()


async def test_a_job_without_watchers_is_forgotten(job: Job) -> None:
    jobs, watcher = WatchedJobs(), SilentWatcher(Viewer())
    jobs.add(watcher, job.pk, job_message(job))
    assert set(jobs.groups) == {group(job.pk)}
    jobs.remove(watcher, job.pk)
    assert not jobs.groups

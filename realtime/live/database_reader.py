"""DatabaseReader: reads jobs and the operators' numbers for the hub, in one thread."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from realtime.access import load_ancestors
from realtime.channel_layer.messages import JobMessage, job_messages
from realtime.live.shared_reads import SharedReads
from realtime.models import Job
from realtime.snapshots import overview
from realtime.snapshots.build import load_for_snapshots
from realtime.threads import SerialThread

JobAndMessage = tuple[Job, JobMessage]


class DatabaseReader:
    def __init__(self) -> None:
        self._thread: SerialThread
        self._shared_reads: SharedReads[UUID, JobAndMessage] = SharedReads(self._read_jobs)

    def start(self) -> None:
        self._thread = SerialThread("hub-database")

    def stop(self) -> None:
        self._shared_reads.close()
        self._thread.close()

    async def jobs(self, ids: Iterable[UUID]) -> dict[UUID, JobAndMessage]:
        """The existing jobs with their snapshots; callers share queries."""
        return await self._shared_reads.get(ids)

    async def messages(self, ids: list[UUID]) -> list[JobMessage]:
        return await self._thread.call(_read_messages, ids)

    async def overview_numbers(self) -> Any:
        return await self._thread.call(overview.overview_numbers)

    async def _read_jobs(self, ids: list[UUID]) -> dict[UUID, JobAndMessage]:
        return await self._thread.call(_read_jobs, ids)


def _read_jobs(ids: list[UUID]) -> dict[UUID, JobAndMessage]:
    jobs = load_for_snapshots(ids)
    load_ancestors(jobs)
    return {job.pk: (job, message) for job, message in job_messages(jobs).items()}


def _read_messages(ids: list[UUID]) -> list[JobMessage]:
    return list(job_messages(load_for_snapshots(ids)).values())

"""WatchedJobs: the jobs with watchers in this process, each with its newest snapshot."""

from collections.abc import Callable, Collection, Coroutine
from time import monotonic
from typing import Any
from uuid import UUID

from realtime.channel_layer.messages import JobMessage, group
from realtime.live.watched_job import WatchedJob
from realtime.live.watcher import Watcher
from realtime.models import NO_JOB

ReadMessages = Callable[[list[UUID]], Coroutine[Any, Any, list[JobMessage]]]


class WatchedJobs:
    def __init__(self) -> None:
        self._jobs: dict[UUID, WatchedJob] = {}
        self._ids: dict[str, UUID] = {}
        """The ids of these jobs, by the name of their group in the channel layer."""

    @property
    def groups(self) -> Collection[str]:
        return self._ids.keys()

    def add(self, watcher: Watcher, job_id: UUID, message: JobMessage) -> None:
        """Send `watcher` the job's snapshots from now on, beginning with the newest."""
        watched = self._jobs.setdefault(job_id, WatchedJob())
        self._ids[group(job_id)] = job_id
        watched.watchers.add(watcher)
        watcher.watches.add(job_id)
        self.send(message)
        watcher.offer(job_id, watched.text_for(watcher))

    def remove(self, watcher: Watcher, job_id: UUID) -> None:
        watcher.forget(job_id)
        if watched := self._jobs.get(job_id):
            watched.watchers.discard(watcher)
            if not watched.watchers:
                del self._jobs[job_id], self._ids[group(job_id)]

    def send(self, message: JobMessage) -> None:
        """Send a job's snapshot to its watchers, unless they have a newer one."""
        job_id = UUID(hex=message["id"])
        watched = self._jobs.get(job_id)
        if watched and watched.update(message):
            public, operator = watched.public, watched.operator
            for watcher in watched.watchers:
                watcher.offer(job_id, operator if watcher.is_operator else public)

    def mark_group_joined(self, name: str) -> None:
        """Messages from before the group was joined are lost: have the job's row read soon."""
        if watched := self._jobs.get(self._ids.get(name, NO_JOB)):
            watched.updated_at = 0.0

    async def repair(self, read: ReadMessages) -> None:
        """Read the rows of jobs without a recent message, all with one call of `read`."""
        silent = {job_id: each for job_id, each in self._jobs.items() if each.is_silent()}
        for watched in silent.values():
            watched.updated_at = monotonic()
        try:
            messages = await read(list(silent)) if silent else []
        except BaseException:
            for watched in silent.values():
                watched.updated_at = 0.0
            raise
        joined = [watched for watched in silent.values() if not watched.updated_at]
        for message in messages:
            self.send(message)
        for watched in joined:  # A lost message may be newer than the row that was read.
            watched.updated_at = 0.0

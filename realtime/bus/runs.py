"""RunningJobs: the runs of this process whose progress the bus sends and saves."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable
from typing import Any, Final
from uuid import UUID

from realtime.channel_layer import messages
from realtime.channel_layer.messages import LAYER_ERRORS, JobMessage
from realtime.conf import conf
from realtime.database import DATABASE_ERRORS, DISCONNECTED
from realtime.errors import Cancelled, LeaseLost
from realtime.models import Job
from realtime.progress import Progress
from realtime.threads import SerialThread

log: Final = logging.getLogger(__name__)

RETRY_SECONDS: Final = 1.0
"""Seconds to wait after the channel layer has failed."""
ESTIMATES: Final = frozenset({"rate", "eta"})
"""Fields that change with time alone: their changes are no reason to send a snapshot."""

Fields = dict[str, Any]
Send = Callable[[JobMessage], Awaitable[None]]


class RunningJobs:
    """The threads that run tasks call `add` and `remove`; the bus runs the other coroutines."""

    def __init__(self, database: SerialThread, *, send: Send = messages.send_job) -> None:
        self._database = database
        self._send = send
        self._last_sent: dict[Progress, Fields | None] = {}
        self._has_runs = asyncio.Event()
        self._waking = threading.Lock()

    def add(self, progress: Progress, loop: asyncio.AbstractEventLoop) -> None:
        with self._waking:
            self._last_sent[progress] = None
            is_asleep = not self._has_runs.is_set()
        if is_asleep:  # Waking a loop costs a system call, and the caller its turn of the GIL.
            loop.call_soon_threadsafe(self._has_runs.set)

    def remove(self, progress: Progress) -> None:
        self._last_sent.pop(progress, None)

    def parent_ids(self) -> set[UUID]:
        return {parent_id for run in list(self._last_sent) if (parent_id := run.job.parent_id)}

    async def send_snapshots(self) -> None:
        """Send the newest snapshot of each run whose progress has changed, ten times a second."""
        while True:
            await self._has_runs.wait()
            # First the pause: a run that has ended by then needs no snapshot of its progress.
            await asyncio.sleep(conf.SNAPSHOT_INTERVAL)
            with self._waking:
                if not self._last_sent:
                    self._has_runs.clear()
            for progress in list(self._last_sent):
                await self._send_snapshot(progress)

    async def save_progress(self) -> None:
        """Save progress and heartbeats; stop a run that has lost its lease."""
        while True:
            await asyncio.sleep(conf.PERSIST_INTERVAL)
            for progress in list(self._last_sent):
                await self.save_run(progress)

    async def stop_cancelled(self) -> None:
        """Stop the runs whose jobs have a cancel request."""
        while True:
            await asyncio.sleep(conf.CANCEL_INTERVAL)
            running = {progress.job.pk: progress for progress in list(self._last_sent)}
            for job_id in await self._cancel_requests(list(running)) if running else ():
                running[job_id].stop(Cancelled())

    async def _send_snapshot(self, progress: Progress) -> None:
        job = progress.job
        try:
            fields = progress.fields()
            sent = {name: value for name, value in fields.items() if name not in ESTIMATES}
            if sent == self._last_sent.get(progress):
                return
            job.tick += 1
            for name, value in fields.items():
                setattr(job, name, value)
            await self._send(messages.job_message(job))
        except LAYER_ERRORS as error:
            log.warning("Snapshots of progress cannot be sent: %r", error)
            await asyncio.sleep(RETRY_SECONDS)
        except Exception:  # The other runs need their snapshots all the same.
            log.exception("A snapshot of job %s cannot be made", job.pk)
        else:
            if progress in self._last_sent:
                self._last_sent[progress] = sent

    async def save_run(self, progress: Progress) -> None:
        try:
            has_lease = await self._database.call(_save, progress)
        except DATABASE_ERRORS as error:
            log.warning("Progress cannot be saved: %r", error)
            return
        except Exception:  # The other runs need their heartbeats all the same.
            log.exception("The heartbeat of job %s cannot be saved", progress.job.pk)
            return
        if not has_lease and progress in self._last_sent:
            progress.stop(LeaseLost())

    async def _cancel_requests(self, ids: list[UUID]) -> list[UUID]:
        try:
            return await self._database.call(_with_cancel_request, ids)
        except DATABASE_ERRORS as error:
            log.warning("Cancel requests cannot be read: %r", error)
            return []


def _save(progress: Progress) -> bool:
    """Save the progress and the heartbeat; False without the lease.

    If the progress cannot be saved, the heartbeat alone is: otherwise another worker would run the
    job too.
    """
    try:
        return progress.save()
    except DISCONNECTED:
        raise
    except Exception:
        has_lease = progress.row.save_heartbeat()
        log.exception("The progress of job %s cannot be saved", progress.job.pk)
        return has_lease


def _with_cancel_request(ids: list[UUID]) -> list[UUID]:
    jobs = Job.objects.filter(pk__in=ids).exclude(cancel_requested_at=None)
    return list(jobs.values_list("pk", flat=True))

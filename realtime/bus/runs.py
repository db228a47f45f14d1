"""The runs of this process: their progress shown and saved, and told when they are to end."""

import asyncio
import logging
import threading
from typing import Any, Final
from uuid import UUID

from realtime.channel_layer import messages
from realtime.channel_layer.messages import LAYER_ERRORS
from realtime.conf import conf
from realtime.database import DATABASE_ERRORS, DISCONNECTED
from realtime.errors import Cancelled, LeaseLost
from realtime.models import Job
from realtime.progress.progress import Progress
from realtime.threads import SerialThread

log: Final = logging.getLogger(__name__)

RETRY_SECONDS: Final = 1.0
"""Seconds between two tries to reach a layer that did not answer."""
ESTIMATES: Final = frozenset({"rate", "eta"})
"""Fields that change by themselves: alone they are no reason for a snapshot."""

Fields = dict[str, Any]


class RunningJobs:
    """Filled by the threads that run tasks, looked at by the bus."""

    def __init__(self, database: SerialThread) -> None:
        self._database = database
        self._shown: dict[Progress, Fields | None] = {}
        self._some = asyncio.Event()
        self._waking = threading.Lock()

    def add(self, progress: Progress, loop: asyncio.AbstractEventLoop) -> None:
        with self._waking:
            self._shown[progress] = None
            is_asleep = not self._some.is_set()
        if is_asleep:  # Waking a loop costs a system call, and the caller its turn of the GIL.
            loop.call_soon_threadsafe(self._some.set)

    def remove(self, progress: Progress) -> None:
        self._shown.pop(progress, None)

    def parents(self) -> set[UUID]:
        """The jobs that those that run here are parts of."""
        return {parent for each in list(self._shown) if (parent := each.job.parent_id)}

    async def show(self) -> None:
        """Send the newest snapshot of each run that has moved, ten times a second."""
        while True:
            await self._some.wait()
            # First the pause: what has ended by then needs no snapshot of its progress.
            await asyncio.sleep(conf.SNAPSHOT_INTERVAL)
            with self._waking:
                if not self._shown:
                    self._some.clear()
            for progress in list(self._shown):
                await self._show(progress)

    async def save(self) -> None:
        """Write progress and heartbeats; a run whose lease is gone is told to end."""
        while True:
            await asyncio.sleep(conf.PERSIST_INTERVAL)
            for progress in list(self._shown):
                await self._save(progress)

    async def cancel(self) -> None:
        """Tell the runs that somebody wants cancelled."""
        while True:
            await asyncio.sleep(conf.CANCEL_INTERVAL)
            running = {progress.job.pk: progress for progress in list(self._shown)}
            for job_id in await self._cancelled(list(running)) if running else ():
                running[job_id].stop(Cancelled())

    async def _show(self, progress: Progress) -> None:
        job = progress.job
        try:
            fields = progress.fields()
            seen = {name: value for name, value in fields.items() if name not in ESTIMATES}
            if seen == self._shown.get(progress):
                return
            job.tick += 1
            for name, value in fields.items():
                setattr(job, name, value)
            await messages.send_job(messages.job_message(job))
        except LAYER_ERRORS as error:
            log.warning("Progress is not shown: %r", error)
            await asyncio.sleep(RETRY_SECONDS)
        except Exception:  # The other runs are to be shown all the same.
            log.exception("Job %s cannot be shown", job.pk)
        else:
            if progress in self._shown:
                self._shown[progress] = seen

    async def _save(self, progress: Progress) -> None:
        try:
            held = await self._database.call(_saved, progress)
        except DATABASE_ERRORS as error:
            log.warning("Progress is not saved: %r", error)
            return
        except Exception:  # The other runs' heartbeats are to be saved all the same.
            log.exception("Nothing of job %s can be saved", progress.job.pk)
            return
        if not held and progress in self._shown:
            progress.stop(LeaseLost())

    async def _cancelled(self, ids: list[UUID]) -> list[UUID]:
        try:
            return await self._database.call(_wanted_cancelled, ids)
        except DATABASE_ERRORS as error:
            log.warning("Nobody knows what is to be cancelled: %r", error)
            return []


def _saved(progress: Progress) -> bool:
    """Whether the job is still the run's. What it says may be impossible to save; that it lives is
    saved all the same, or another worker would run it too."""
    try:
        return progress.save()
    except DISCONNECTED:
        raise
    except Exception:
        held = progress.row.save_heartbeat()
        log.exception("The progress of job %s cannot be saved", progress.job.pk)
        return held


def _wanted_cancelled(ids: list[UUID]) -> list[UUID]:
    wanted = Job.objects.filter(pk__in=ids).exclude(cancel_requested_at=None)
    return list(wanted.values_list("pk", flat=True))

"""WorkerHeartbeat: what the main process of a worker does at each heartbeat of Celery.

It saves that the worker is up, and runs maintenance when it is time to. It also fails the jobs
whose process was killed at the hard time limit.
"""

import asyncio
import logging
from collections.abc import Callable
from time import monotonic
from typing import Final
from uuid import UUID

from realtime.batches.rollup import end_failed
from realtime.conf import conf
from realtime.database import DATABASE_ERRORS
from realtime.errors import TimeLimitExceeded
from realtime.maintenance.round import run_maintenance
from realtime.models import Job, Worker
from realtime.threads import SerialThread

log: Final = logging.getLogger(__name__)


class WorkerHeartbeat:
    def __init__(
        self,
        *,
        database: SerialThread,
        broker: SerialThread,
        stamp: Callable[[str], None] = Worker.objects.stamp,
    ) -> None:
        self._stamp = stamp
        self._database = database
        self._broker = broker
        self._worker = ""
        self._has_worker = asyncio.Event()
        self._is_saving = False
        self._is_maintaining = False
        self._maintained_at = 0.0

    async def save(self, worker: str) -> None:
        self._worker = worker
        self._has_worker.set()
        if self._is_saving:  # Otherwise calls queue up while the database hangs.
            return
        self._is_saving = True
        try:
            await self._database.call(self._stamp, worker)
        except DATABASE_ERRORS as error:
            log.warning("The heartbeat of worker %s cannot be saved: %r", worker, error)
        finally:
            self._is_saving = False

    async def maintain(self) -> None:
        """Run a round of maintenance, unless one is running or has just ended."""
        if self._is_maintaining or monotonic() - self._maintained_at < conf.RECOVER_INTERVAL:
            return
        self._is_maintaining = True
        try:
            await run_maintenance(self._broker)
        finally:
            self._is_maintaining = False
            self._maintained_at = monotonic()

    async def fail_killed_job(self, job_id: UUID, error: str) -> None:
        """Fail the job if this worker still has it; Celery does not say which worker this is.

        Before the first heartbeat the name of the worker is unknown, so this waits for it.
        """
        await self._has_worker.wait()
        try:
            await self._database.call(_fail, job_id, self._worker, error)
        except DATABASE_ERRORS as database_error:
            log.warning(
                "Job %s, whose process was killed, cannot be failed. It will be rescued when its"
                " lease ends: %r",
                job_id,
                database_error,
            )


def _fail(job_id: UUID, worker: str, error: str) -> None:
    for job in Job.objects.filter(pk=job_id, worker=worker):
        end_failed(job, code=TimeLimitExceeded.code, error=error)

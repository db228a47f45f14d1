"""The tasks of `realtime`, and `JobTask` for the tasks of other apps."""

from dataclasses import asdict

from celery import shared_task

from realtime.maintenance.prune import delete_expired_rows
from realtime.worker.task import JobTask

__all__ = ["JobTask", "prune"]


@shared_task(base=JobTask, name="realtime.prune", title="Delete old jobs", track=False)
def prune() -> dict[str, int]:
    """Delete the rows and files that are older than the settings allow."""
    return asdict(delete_expired_rows())

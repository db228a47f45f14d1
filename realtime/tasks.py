"""The tasks of `realtime`, where Celery looks for them, and `JobTask` for the tasks of others."""

from dataclasses import asdict

from celery import shared_task

from realtime.maintenance.prune import delete_expired_rows
from realtime.worker.task import JobTask

__all__ = ["JobTask", "prune"]


@shared_task(base=JobTask, name="realtime.prune", title="Delete old jobs", track=False)
def prune() -> dict[str, int]:
    """Delete finished jobs, schedule turns, workers and files that are no longer to be kept."""
    return asdict(delete_expired_rows())

"""A task that does nothing, in three forms: as a job, untracked, and with a stored result."""

from celery import Task, shared_task

from realtime.tasks import JobTask


@shared_task(base=JobTask, name="bench.tracked")
def tracked() -> None:
    pass


@shared_task(base=JobTask, track=False, name="bench.untracked")
def untracked() -> None:
    pass


@shared_task(base=Task, ignore_result=False, name="bench.stored")
def stored() -> None:
    """django-celery-results stores its result."""

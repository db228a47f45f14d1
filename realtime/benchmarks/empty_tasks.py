"""The same task that does nothing, three times."""

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
    """Its result is kept by django-celery-results."""

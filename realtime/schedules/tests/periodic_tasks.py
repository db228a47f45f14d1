"""Tasks for the schedules of the tests, and one entry of CELERY_BEAT_SCHEDULE."""

from celery import shared_task
from celery.schedules import crontab

from realtime.tasks import JobTask

NIGHTLY = {"task": "test.counted", "schedule": crontab(minute="30", hour="2")}


@shared_task(base=JobTask, name="test.counted", title="Count")
def counted(number: int = 1) -> int:
    return number


@shared_task(base=JobTask, name="test.uncounted", track=False)
def uncounted() -> None:
    pass

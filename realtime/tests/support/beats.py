"""Schedules that are due, and the scheduler of a beat that runs them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from celery import current_app
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from realtime.schedules.scheduler import Scheduler

INTERVAL = timedelta(days=10_000)
"""So long that no schedule is due twice while a test runs."""


def beat() -> Scheduler:
    return Scheduler(app=current_app)


def overdue(name: str = "Count", *, task: str, **fields: Any) -> PeriodicTask:
    """A schedule that is due by its interval."""
    every, _ = IntervalSchedule.objects.get_or_create(
        every=INTERVAL.days, period=IntervalSchedule.DAYS
    )
    return _row(name, task, {"interval": every} | fields)


def overdue_daily(name: str = "Count", *, task: str, **fields: Any) -> PeriodicTask:
    """A daily schedule that was due twelve hours ago."""
    hour = (timezone.now().hour + 12) % 24
    daily, _ = CrontabSchedule.objects.get_or_create(minute="0", hour=str(hour))
    return _row(name, task, {"crontab": daily} | fields)


def _row(name: str, task: str, fields: dict[str, Any]) -> PeriodicTask:
    long_ago = timezone.now() - 2 * INTERVAL
    return PeriodicTask.objects.create(
        **{"name": name, "task": task, "last_run_at": long_ago} | fields
    )


Overdue = Callable[..., PeriodicTask]

"""Schedules, and beats that take their turns."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from celery import current_app
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from realtime.schedules.scheduler import Scheduler

TURN = timedelta(days=10_000)
"""So long that no turn ends while a test runs."""


def beat() -> Scheduler:
    return Scheduler(app=current_app)


def overdue(name: str = "Count", *, task: str, **fields: Any) -> PeriodicTask:
    """A schedule whose turn has come, by its interval."""
    every, _ = IntervalSchedule.objects.get_or_create(every=TURN.days, period=IntervalSchedule.DAYS)
    return _row(name, task, {"interval": every} | fields)


def overdue_daily(name: str = "Count", *, task: str, **fields: Any) -> PeriodicTask:
    """A schedule whose turn came yesterday, twelve hours from here on the clock."""
    hour = (timezone.now().hour + 12) % 24
    daily, _ = CrontabSchedule.objects.get_or_create(minute="0", hour=str(hour))
    return _row(name, task, {"crontab": daily} | fields)


def _row(name: str, task: str, fields: dict[str, Any]) -> PeriodicTask:
    long_ago = timezone.now() - 2 * TURN
    return PeriodicTask.objects.create(
        **{"name": name, "task": task, "last_run_at": long_ago} | fields
    )


Overdue = Callable[..., PeriodicTask]

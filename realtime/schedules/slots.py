"""Slots: the time that identifies a turn of a schedule, equal in every beat process."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from celery.schedules import crontab, solar
from django_celery_beat.clockedschedule import clocked

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
TICK: Final = timedelta(microseconds=1)
DAY: Final = timedelta(days=1)
SUN_HOURS: Final = {"dawn": 6, "sunrise": 6, "solar": 12, "sunset": 18, "dusk": 18}
"""The mean hour of a solar event, in mean solar time, by the first word of its name."""


def slot_of(schedule: Any, *, since: datetime, now: datetime) -> datetime:
    """The slot of the turn that is due `now`, if the last one was taken at `since`.

    clocked   its time: it has one turn only
    crontab   the first due minute after `since`, which Celery computes in the crontab's timezone
    solar     the day of the event: one turn a day
    interval  a multiple of its length since the epoch: equal in two beat processes whose `since`
              differ
    """
    if isinstance(schedule, clocked):
        return _utc(schedule.clocked_time)
    if isinstance(schedule, crontab):
        start, wait, _ = schedule.remaining_delta(since)
        return _utc(start + wait)
    if isinstance(schedule, solar):
        return _solar_day(schedule, now + schedule.remaining_estimate(since))
    return _floor(now, schedule.run_every)


def _solar_day(schedule: Any, event: datetime) -> datetime:
    """The day of the event, in a solar time shifted so that the event is at noon.

    The time of the event itself differs by seconds from one computation to the next.
    """
    east = timedelta(hours=float(schedule.lon) / 15)
    middle = timedelta(hours=12 - SUN_HOURS[schedule.event.split("_")[0]])
    return _floor(event + east + middle, DAY)


def _floor(moment: datetime, step: timedelta) -> datetime:
    since_epoch = (_utc(moment) - EPOCH) // TICK
    return EPOCH + (since_epoch - since_epoch % max(1, step // TICK)) * TICK


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC)

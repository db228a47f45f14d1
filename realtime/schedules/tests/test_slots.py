from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import crontab, schedule, solar
from django_celery_beat.clockedschedule import clocked
from django_celery_beat.tzcrontab import TzAwareCrontab

from realtime.models import ScheduledRun
from realtime.schedules.slots import slot_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def in_berlin(**when: str) -> crontab:
    return cast("crontab", TzAwareCrontab(tz=ZoneInfo("Europe/Berlin"), **when))


@pytest.mark.parametrize("late", [0, 0.1, 14 * 60, 3600])
def test_a_crontabs_turn_is_its_due_minute_however_late_it_is_seen(late: float) -> None:
    quarterly = crontab(minute="*/15")
    now = NOON + timedelta(minutes=15, seconds=late)
    for since in (NOON, NOON + timedelta(seconds=1), NOON + timedelta(minutes=14)):
        assert slot_of(quarterly, since=since, now=now) == NOON + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("since", "slot"),
    [
        ("2026-01-15 03:00", "2026-01-16 01:30"),  # winter: an hour before UTC
        ("2026-07-15 03:00", "2026-07-16 00:30"),
        ("2026-03-28 03:00", "2026-03-29 01:30"),  # there is no 2:30 this night: an hour later
        ("2026-10-24 03:00", "2026-10-25 00:30"),  # there are two: the first
        ("2026-10-25 00:30", "2026-10-26 01:30"),  # … and not the second
    ],
)
def test_a_crontab_is_read_in_its_timezone(since: str, slot: str) -> None:
    nightly = in_berlin(hour="2", minute="30")
    assert slot_of(nightly, since=at(since), now=at(slot)) == at(slot)


def test_an_intervals_turns_do_not_depend_on_who_counts() -> None:
    minute = schedule(60)
    seconds = [slot_of(minute, since=NOON, now=NOON + timedelta(seconds=n)) for n in range(180)]
    assert sorted(set(seconds)) == [NOON + timedelta(minutes=n) for n in range(3)]


def test_turns_that_are_an_interval_apart_are_never_the_same() -> None:
    length = timedelta(seconds=7, microseconds=1)
    moments = [NOON + n * length for n in range(1000)]
    slots = [slot_of(schedule(length), since=NOON, now=moment) for moment in moments]
    assert len(set(slots)) == 1000
    assert all(slot <= moment for slot, moment in zip(slots, moments, strict=True))


def test_an_interval_of_nothing_has_turns() -> None:
    assert slot_of(schedule(0), since=NOON, now=NOON) == NOON


def test_a_clocked_schedule_has_one_turn() -> None:
    once = clocked(NOON)
    for late in (0, 1, 1000):
        assert slot_of(once, since=NOON, now=NOON + timedelta(days=late)) == NOON


class Sun(solar):
    """The sun, without the almanac that Celery needs for it."""

    def __init__(self, event: Any, lon: float, at: datetime, now: datetime) -> None:
        self.event, self.lon, self.at, self.asked = event, lon, at, now

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        return self.at - self.asked


@pytest.mark.parametrize(
    ("event", "lon", "first", "again"),
    [
        ("sunrise", 0, "2026-06-01 03:43:00", "2026-06-01 03:43:09"),
        ("sunset", 179, "2026-06-01 05:59:59", "2026-06-01 06:00:01"),
        ("dusk_civil", -120, "2026-06-01 23:59:59", "2026-06-02 00:00:01"),
        ("solar_noon", 179, "2026-06-01 23:59:59", "2026-06-02 00:00:01"),
    ],
)
def test_an_event_of_the_sun_is_one_turn_however_exactly_it_is_computed(
    event: str, lon: float, first: str, again: str
) -> None:
    suns = [Sun(event, lon, at(moment), NOON) for moment in (first, again)]
    slots = {slot_of(sun, since=NOON, now=NOON) for sun in suns}
    assert len(slots) == 1


def test_the_suns_next_day_is_another_turn() -> None:
    rises: list[Any] = [Sun("sunrise", 13, NOON + timedelta(days=day), NOON) for day in range(3)]
    assert len({slot_of(sun, since=NOON, now=NOON) for sun in rises}) == 3


def test_a_turn_says_what_it_is() -> None:
    assert str(ScheduledRun(schedule="Import", slot=NOON)) == "Import, 2026-06-01 12:00:00 UTC"

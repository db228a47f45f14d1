from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest
from celery.schedules import crontab, schedule, solar
from django_celery_beat.clockedschedule import clocked
from django_celery_beat.tzcrontab import TzAwareCrontab

from realtime.schedules.slots import slot_of

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def in_berlin(**when: str) -> crontab:
    return cast("crontab", TzAwareCrontab(tz=ZoneInfo("Europe/Berlin"), **when))


@pytest.mark.parametrize("late", [0, 0.1, 14 * 60, 3600])
def test_the_slot_of_a_crontab_is_its_due_minute_even_if_late(late: float) -> None:
    quarterly = crontab(minute="*/15")
    now = NOON + timedelta(minutes=15, seconds=late)
    for since in (NOON, NOON + timedelta(seconds=1), NOON + timedelta(minutes=14)):
        assert slot_of(quarterly, since=since, now=now) == NOON + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("since", "slot"),
    [
        ("2026-01-15 03:00", "2026-01-16 01:30"),  # winter: an hour before UTC
        ("2026-07-15 03:00", "2026-07-16 00:30"),
        (
            "2026-03-28 03:00",
            "2026-03-29 01:30",
        ),  # no 2:30 in this night: an hour later
        ("2026-10-24 03:00", "2026-10-25 00:30"),  # 2:30 occurs twice: the first one
        ("2026-10-25 00:30", "2026-10-26 01:30"),  # and not the second one
    ],
)
def test_a_crontab_uses_its_timezone(since: str, slot: str) -> None:
    nightly = in_berlin(hour="2", minute="30")
    assert slot_of(nightly, since=at(since), now=at(slot)) == at(slot)


def test_the_slot_of_an_interval_depends_on_the_time_only() -> None:
    minute = schedule(60)
    slots = [slot_of(minute, since=NOON, now=NOON + timedelta(seconds=n)) for n in range(180)]
    assert sorted(set(slots)) == [NOON + timedelta(minutes=n) for n in range(3)]


def test_turns_one_interval_apart_have_different_slots() -> None:
    length = timedelta(seconds=7, microseconds=1)
    moments = [NOON + n * length for n in range(1000)]
    slots = [slot_of(schedule(length), since=NOON, now=moment) for moment in moments]
    assert len(set(slots)) == 1000
    assert all(slot <= moment for slot, moment in zip(slots, moments, strict=True))


def test_an_interval_of_zero_has_slots() -> None:
    assert slot_of(schedule(0), since=NOON, now=NOON) == NOON


def test_a_clocked_schedule_has_one_slot() -> None:
    once = clocked(NOON)
    for late in (0, 1, 1000):
        assert slot_of(once, since=NOON, now=NOON + timedelta(days=late)) == NOON


class Sun(solar):
    """A solar schedule without the package `ephem`, which Celery needs."""

    def __init__(self, event: Any, lon: float, at: datetime, now: datetime) -> None:
        self.event, self.lon, self.at, self.today = event, lon, at, now

    def remaining_estimate(self, last_run_at: datetime) -> timedelta:
        return self.at - self.today


@pytest.mark.parametrize(
    ("event", "lon", "first", "again"),
    [
        ("sunrise", 0, "2026-06-01 03:43:00", "2026-06-01 03:43:09"),
        ("sunset", 179, "2026-06-01 05:59:59", "2026-06-01 06:00:01"),
        ("dusk_civil", -120, "2026-06-01 23:59:59", "2026-06-02 00:00:01"),
        ("solar_noon", 179, "2026-06-01 23:59:59", "2026-06-02 00:00:01"),
    ],
)
def test_a_solar_event_has_one_slot_although_its_time_varies_by_seconds(
    event: str, lon: float, first: str, again: str
) -> None:
    suns = [Sun(event, lon, at(moment), NOON) for moment in (first, again)]
    slots = {slot_of(sun, since=NOON, now=NOON) for sun in suns}
    assert len(slots) == 1


def test_a_solar_event_has_another_slot_on_the_next_day() -> None:
    suns: list[Any] = [Sun("sunrise", 13, NOON + timedelta(days=day), NOON) for day in range(3)]
    assert len({slot_of(sun, since=NOON, now=NOON) for sun in suns}) == 3

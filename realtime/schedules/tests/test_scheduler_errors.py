from collections.abc import Mapping
from typing import Any

import pytest
from celery import current_app
from django.db import OperationalError
from django_celery_beat.models import (
    CrontabSchedule,
    PeriodicTask,
    SolarSchedule,
)
from kombu.exceptions import OperationalError as BrokerError

from realtime.models import Job, ScheduledRun
from realtime.schedules.scheduler import PAUSE, Scheduler
from realtime.schedules.tests.periodic_tasks import NIGHTLY
from realtime.tasks import JobTask
from realtime.tests.support.beats import beat, overdue

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "bad", [{"task": "t", "schedule": object()}, {"task": "t"}, {"schedule": 5, "colour": "red"}]
)
def test_an_invalid_schedule_of_the_setting_does_not_stop_the_others(
    setting: dict[str, Any], bad: Mapping[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    setting |= {"Bad": bad, "Nightly": NIGHTLY}
    beat().tick()
    assert [row.name for row in PeriodicTask.objects.all()] == ["Nightly"]
    assert "'Bad' is not usable" in caplog.text


def test_an_invalid_row_does_not_stop_the_others(caplog: pytest.LogCaptureFixture) -> None:
    """Solar schedules need a package that is not installed; a row may also lack its schedule."""
    sun = SolarSchedule.objects.create(event="sunrise", latitude=0, longitude=0)
    PeriodicTask.objects.bulk_create(
        [
            PeriodicTask(name="Sun", task="test.counted", solar=sun),
            PeriodicTask(name="Never", task="test.counted"),
        ]
    )
    overdue(task="test.counted")
    scheduler = beat()
    for _ in range(3):
        scheduler.tick()
    assert Job.objects.count() == 1
    assert caplog.text.count("'Sun' is not usable") == 1
    assert caplog.text.count("'Never' is not usable") == 1


def test_a_crontab_without_any_date_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    never = CrontabSchedule.objects.create(
        minute="0", hour="0", day_of_month="31", month_of_year="2"
    )
    overdue("Never", task="test.counted", interval=None, crontab=never)
    overdue(task="test.counted")
    beat().tick()
    assert Job.objects.count() == 1
    assert "'Never' is not usable" in caplog.text


def test_a_turn_whose_arguments_do_not_fit_passes(caplog: pytest.LogCaptureFixture) -> None:
    row = overdue(task="test.counted", args="[1, 2, 3]")
    scheduler = beat()
    scheduler.tick()
    scheduler.tick()
    assert not Job.objects.exists()
    assert caplog.text.count("passed without a job") == 1
    row.refresh_from_db()
    assert row.total_run_count == 1


def test_the_turn_of_an_untracked_task_passes_while_the_broker_is_down(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    django_capture_on_commit_callbacks: Any,
) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise BrokerError("refused")

    monkeypatch.setattr(current_app.tasks["test.uncounted"], "apply_async", refuse)
    overdue(task="test.uncounted")
    with django_capture_on_commit_callbacks(execute=True):
        beat().tick()
    assert (
        "A turn of schedule 'Count' passed: its task could not be published: refused" in caplog.text
    )


class Down:
    """Makes a method raise as if the database did not answer."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, target: Any, name: str) -> None:
        self.is_down = True
        method = getattr(target, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.is_down:
                raise OperationalError("database is locked")
            return method(*args, **kwargs)

        monkeypatch.setattr(target, name, call)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (PeriodicTask.objects, "filter"),  # at the start
        (PeriodicTask.objects, "enabled"),  # at a tick
        (PeriodicTask.objects, "select_for_update"),  # when a turn is taken
        (ScheduledRun.objects, "get_or_create"),
        (JobTask, "apply_async"),
    ],
)
def test_no_turn_is_missed_while_the_database_is_down(
    target: Any,
    name: str,
    setting: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    setting["Nightly"] = NIGHTLY
    overdue(task="test.counted")
    database = Down(monkeypatch, target, name)
    scheduler = beat()
    for _ in range(3):
        assert scheduler.tick() == PAUSE
    assert caplog.text.count("The schedules wait: the database does not answer") == 3
    assert not ScheduledRun.objects.exists()
    database.is_down = False
    scheduler.tick()
    assert Job.objects.count() == 1
    assert PeriodicTask.objects.count() == 2


def test_the_scheduler_starts_while_the_database_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    Down(monkeypatch, PeriodicTask.objects, "enabled")
    assert isinstance(beat(), Scheduler)

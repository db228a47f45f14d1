import logging
from typing import Any

import pytest
from celery import current_app
from celery.schedules import crontab
from django_celery_beat.models import (
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
)

from realtime.schedules.tests.periodic_tasks import NIGHTLY
from realtime.tests.support.beats import beat

pytestmark = pytest.mark.django_db


def test_the_schedules_of_the_setting_become_rows(setting: dict[str, Any]) -> None:
    setting["Nightly"] = NIGHTLY | {"kwargs": {"number": 3}, "options": {"queue": "slow"}}
    setting["Often"] = {"task": "test.counted", "schedule": 90.0}
    beat().tick()
    nightly = PeriodicTask.objects.get(name="Nightly")
    assert (nightly.task, nightly.kwargs, nightly.queue) == (
        "test.counted",
        '{"number": 3}',
        "slow",
    )
    assert isinstance(nightly.scheduler, CrontabSchedule)
    often = PeriodicTask.objects.get(name="Often").interval
    assert often is not None
    assert (often.every, often.period) == (90, IntervalSchedule.SECONDS)
    assert PeriodicTask.objects.count() == 2


def test_a_start_does_not_change_existing_rows(
    setting: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    setting["Nightly"] = NIGHTLY
    beat().tick()
    PeriodicTask.objects.update(enabled=False, kwargs='{"number": 9}')
    setting["Nightly"] = {"task": "test.other", "schedule": crontab(minute="0", hour="4")}
    with caplog.at_level(logging.INFO):
        beat().tick()
    row = PeriodicTask.objects.get()
    assert (row.task, row.kwargs, row.enabled) == ("test.counted", '{"number": 9}', False)
    assert str(row.scheduler).startswith("30 2 ")
    assert "'Nightly' runs as its row says" in caplog.text


def test_a_deleted_row_is_created_again_from_the_setting(setting: dict[str, Any]) -> None:
    setting["Nightly"] = NIGHTLY
    scheduler = beat()
    scheduler.tick()
    for each in (scheduler, beat()):
        PeriodicTask.objects.all().delete()
        each.tick()
        assert PeriodicTask.objects.get().task == "test.counted"


def test_a_start_with_rows_equal_to_the_setting_logs_nothing(
    setting: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    setting |= {"Nightly": NIGHTLY, "Often": {"task": "test.counted", "schedule": 90.0}}
    with caplog.at_level(logging.INFO):
        beat().tick()
        beat().tick()
    assert "realtime.schedules.scheduler" not in {record.name for record in caplog.records}


def test_a_clean_up_is_scheduled_if_there_is_a_result_backend(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beat().tick()
    assert not PeriodicTask.objects.exists()
    monkeypatch.setitem(current_app.conf, "result_backend", "cache+memory://")
    beat().tick()
    assert PeriodicTask.objects.get().task == "celery.backend_cleanup"

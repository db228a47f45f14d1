import logging
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from celery import current_app, shared_task
from celery.schedules import crontab
from django.db import OperationalError
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from kombu.exceptions import OperationalError as BrokerError

from realtime.models import Job, ScheduledRun
from realtime.schedules.scheduler import PAUSE, Scheduler
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.tests.support.beats import Overdue, beat, overdue, overdue_daily

pytestmark = pytest.mark.django_db

NIGHTLY = {"task": "test.counted", "schedule": crontab(minute="30", hour="2")}


@shared_task(base=JobTask, name="test.counted", title="Count")
def counted(number: int = 1) -> int:
    return number


@shared_task(base=JobTask, name="test.uncounted", track=False)
def uncounted() -> None:
    pass


@pytest.fixture(autouse=True)
def code(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The schedules of the code."""
    schedules: dict[str, Any] = {}
    monkeypatch.setitem(current_app.conf, "beat_schedule", schedules)
    # It would close this test's connection in the midst of its transaction.
    monkeypatch.setattr("realtime.schedules.scheduler.close_old_connections", lambda: None)
    return schedules


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(
        current_app.tasks["test.uncounted"], "apply_async", lambda *_, **__: names.append("known")
    )
    monkeypatch.setattr(current_app, "send_task", lambda name, *_, **__: names.append(name))
    return names


both = pytest.mark.parametrize("make", [overdue, overdue_daily])


@both
def test_a_turn_that_has_come_makes_a_job(make: Overdue) -> None:
    row = make(task="test.counted", args="[7]", queue="slow")
    beat().tick()
    job = Job.objects.get()
    assert (job.task, job.args, job.queue, job.state) == (
        "test.counted",
        [7],
        "slow",
        JobState.QUEUED,
    )
    assert job.options["headers"]["periodic_task_name"] == row.name
    row.refresh_from_db()
    assert row.total_run_count == 1
    assert row.last_run_at is not None
    assert timezone.now() - row.last_run_at < timedelta(minutes=1)
    assert ScheduledRun.objects.get().schedule == row.name


@both
def test_a_turn_is_taken_once_by_one_beat(make: Overdue) -> None:
    make(task="test.counted")
    one = beat()
    for _ in range(3):
        one.tick()
    assert Job.objects.count() == 1


@both
def test_a_turn_is_taken_once_by_several_beats(make: Overdue) -> None:
    make(task="test.counted")
    for each in (beat(), beat(), beat()):
        each.tick()
    assert Job.objects.count() == 1


@both
def test_a_time_of_the_last_run_that_was_written_back_brings_no_second_run(make: Overdue) -> None:
    """As the admin does when its form was opened before the run and is saved after it."""
    row = make(task="test.counted")
    one = beat()
    one.tick()
    row.save()
    assert one.tick() >= PAUSE
    assert Job.objects.count() == 1
    row.refresh_from_db()
    assert row.total_run_count == 0  # as it was written back: nothing ran
    one.tick()
    assert ScheduledRun.objects.count() == 1


def test_a_beat_is_told_of_a_turn_that_another_takes_meanwhile() -> None:
    row = overdue(task="test.counted")
    slow = beat()
    entry = slow.schedule[row.name]  # read while the turn was free
    beat().tick()
    assert slow._look(entry) >= PAUSE
    assert Job.objects.count() == 1


def test_nothing_runs_before_its_turn() -> None:
    overdue(task="test.counted", last_run_at=timezone.now())
    one = beat()
    assert one.tick() == one.max_interval
    assert not Job.objects.exists()


def test_a_beat_wakes_up_for_the_next_turn() -> None:
    soon = IntervalSchedule.objects.create(every=60, period=IntervalSchedule.SECONDS)
    overdue(task="test.counted", interval=soon, last_run_at=timezone.now())
    one = beat()
    one.max_interval = 300
    assert 0 < one.tick() <= 60


@both
def test_the_next_turn_is_taken_too(make: Overdue) -> None:
    row = make(task="test.counted")
    beat().tick()
    before = ScheduledRun.objects.get()
    ScheduledRun.objects.update(slot=before.slot - timedelta(days=1))
    row.save()
    beat().tick()
    assert Job.objects.count() == 2


def test_what_is_paused_in_the_admin_does_not_run() -> None:
    row = overdue(task="test.counted")
    one = beat()
    entry = one.schedule[row.name]
    PeriodicTask.objects.update(enabled=False)
    one._look(entry)
    one.tick()
    assert not Job.objects.exists()


def test_what_is_changed_in_the_admin_holds_at_once() -> None:
    row = overdue(task="test.counted", args="[1]")
    one = beat()
    entry = one.schedule[row.name]
    PeriodicTask.objects.update(args="[2]")
    one._look(entry)
    assert Job.objects.get().args == [2]


def test_what_is_to_run_once_runs_once_and_is_switched_off() -> None:
    row = overdue(task="test.counted", one_off=True)
    for each in (beat(), beat(), beat()):
        each.tick()
    assert Job.objects.count() == 1
    row.refresh_from_db()
    assert not row.enabled


def test_a_clocked_schedule_runs_once_however_often_it_is_switched_on() -> None:
    past = ClockedSchedule.objects.create(clocked_time=timezone.now() - timedelta(hours=1))
    row = overdue(task="test.counted", interval=None, clocked=past, one_off=True)
    for _ in range(3):
        for each in (beat(), beat()):
            each.tick()
            each.tick()
        row.refresh_from_db()
        assert not row.enabled
        row.enabled = True
        row.save()
    assert Job.objects.count() == 1


def test_a_turn_that_passed_while_no_beat_was_up_is_made_up_for() -> None:
    """The parent would look for it only around its own hour, the next day."""
    overdue_daily(task="test.counted")
    beat().tick()
    assert Job.objects.count() == 1


def test_the_schedules_of_the_code_become_rows(code: dict[str, Any]) -> None:
    code["Nightly"] = NIGHTLY | {"kwargs": {"number": 3}, "options": {"queue": "slow"}}
    code["Often"] = {"task": "test.counted", "schedule": 90.0}
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


def test_a_start_overwrites_nothing(code: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    code["Nightly"] = NIGHTLY
    beat().tick()
    PeriodicTask.objects.update(enabled=False, kwargs='{"number": 9}')
    code["Nightly"] = {"task": "test.other", "schedule": crontab(minute="0", hour="4")}
    with caplog.at_level(logging.INFO):
        beat().tick()
    row = PeriodicTask.objects.get()
    assert (row.task, row.kwargs, row.enabled) == ("test.counted", '{"number": 9}', False)
    assert str(row.scheduler).startswith("30 2 ")
    assert "'Nightly' runs as its row says" in caplog.text


def test_a_row_that_was_deleted_is_made_again_as_the_code_says(code: dict[str, Any]) -> None:
    code["Nightly"] = NIGHTLY
    one = beat()
    one.tick()
    for each in (one, beat()):
        PeriodicTask.objects.all().delete()
        each.tick()
        assert PeriodicTask.objects.get().task == "test.counted"


def test_a_start_with_rows_as_the_code_says_says_nothing(
    code: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    code |= {"Nightly": NIGHTLY, "Often": {"task": "test.counted", "schedule": 90.0}}
    with caplog.at_level(logging.INFO):
        beat().tick()
        beat().tick()
    assert "realtime.schedules.scheduler" not in {record.name for record in caplog.records}


@pytest.mark.parametrize(
    "bad", [{"task": "t", "schedule": object()}, {"task": "t"}, {"schedule": 5, "colour": "red"}]
)
def test_a_bad_schedule_of_the_code_stops_no_other(
    code: dict[str, Any], bad: Mapping[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    code |= {"Bad": bad, "Nightly": NIGHTLY}
    beat().tick()
    assert [row.name for row in PeriodicTask.objects.all()] == ["Nightly"]
    assert "'Bad' is not usable" in caplog.text


def test_a_bad_row_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """Solar schedules need a package that is not installed; a row may also lack its schedule."""
    sun = SolarSchedule.objects.create(event="sunrise", latitude=0, longitude=0)
    PeriodicTask.objects.bulk_create(
        [
            PeriodicTask(name="Sun", task="test.counted", solar=sun),
            PeriodicTask(name="Never", task="test.counted"),
        ]
    )
    overdue(task="test.counted")
    one = beat()
    for _ in range(3):
        one.tick()
    assert Job.objects.count() == 1
    assert caplog.text.count("'Sun' is not usable") == 1
    assert caplog.text.count("'Never' is not usable") == 1


def test_a_crontab_whose_day_never_comes_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    never = CrontabSchedule.objects.create(
        minute="0", hour="0", day_of_month="31", month_of_year="2"
    )
    overdue("Never", task="test.counted", interval=None, crontab=never)
    overdue(task="test.counted")
    beat().tick()
    assert Job.objects.count() == 1
    assert "'Never' is not usable" in caplog.text


def test_a_turn_with_arguments_that_do_not_fit_passes(caplog: pytest.LogCaptureFixture) -> None:
    row = overdue(task="test.counted", args="[1, 2, 3]")
    one = beat()
    one.tick()
    one.tick()
    assert not Job.objects.exists()
    assert caplog.text.count("passed without its job") == 1
    row.refresh_from_db()
    assert row.total_run_count == 1


@pytest.mark.parametrize(("task", "name"), [("test.uncounted", "known"), ("far.away", "far.away")])
def test_what_is_no_job_is_published_after_the_commit(
    published: list[str],
    task: str,
    name: str,
    django_capture_on_commit_callbacks: Any,
) -> None:
    overdue(task=task)
    with django_capture_on_commit_callbacks() as callbacks:
        beat().tick()
    assert published == []
    callbacks[0]()
    assert published == [name]
    assert not Job.objects.exists()


def test_a_broker_that_is_down_costs_the_turn_of_what_is_no_job(
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
    assert "A turn of 'Count' passed, it was not published: refused" in caplog.text


class Down:
    """A database that does not answer for a while."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, target: Any, name: str) -> None:
        self.is_down = True
        works = getattr(target, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            if self.is_down:
                raise OperationalError("database is locked")
            return works(*args, **kwargs)

        monkeypatch.setattr(target, name, call)


@pytest.mark.parametrize(
    ("target", "name"),
    [
        (PeriodicTask.objects, "filter"),  # at the start
        (PeriodicTask.objects, "enabled"),  # at a look
        (PeriodicTask.objects, "select_for_update"),  # when a turn is to be taken
        (ScheduledRun.objects, "get_or_create"),
        (JobTask, "apply_async"),
    ],
)
def test_a_database_that_is_down_is_waited_for_and_no_turn_is_missed(
    target: Any,
    name: str,
    code: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    code["Nightly"] = NIGHTLY
    overdue(task="test.counted")
    database = Down(monkeypatch, target, name)
    one = beat()
    for _ in range(3):
        assert one.tick() == PAUSE
    assert caplog.text.count("The schedules wait: the database does not answer") == 3
    assert not ScheduledRun.objects.exists()
    database.is_down = False
    one.tick()
    assert Job.objects.count() == 1
    assert PeriodicTask.objects.count() == 2


def test_a_beat_starts_while_the_database_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    Down(monkeypatch, PeriodicTask.objects, "enabled")
    assert isinstance(beat(), Scheduler)


def test_a_clean_up_of_results_is_scheduled_where_results_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    beat().tick()
    assert not PeriodicTask.objects.exists()
    monkeypatch.setitem(current_app.conf, "result_backend", "cache+memory://")
    beat().tick()
    assert PeriodicTask.objects.get().task == "celery.backend_cleanup"

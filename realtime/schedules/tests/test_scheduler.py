from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_celery_beat.models import (
    ClockedSchedule,
    IntervalSchedule,
    PeriodicTask,
)

from realtime.models import Job, ScheduledRun
from realtime.schedules.scheduler import PAUSE
from realtime.states import JobState
from realtime.tests.support.beats import Overdue, beat, overdue, overdue_daily

pytestmark = pytest.mark.django_db


both = pytest.mark.parametrize("make", [overdue, overdue_daily])


@both
def test_a_due_turn_creates_a_job(make: Overdue) -> None:
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
def test_one_process_takes_a_turn_once(make: Overdue) -> None:
    make(task="test.counted")
    scheduler = beat()
    for _ in range(3):
        scheduler.tick()
    assert Job.objects.count() == 1


@both
def test_several_processes_take_a_turn_once(make: Overdue) -> None:
    make(task="test.counted")
    for each in (beat(), beat(), beat()):
        each.tick()
    assert Job.objects.count() == 1


@both
def test_an_old_time_of_the_last_run_causes_no_second_run(make: Overdue) -> None:
    """The admin writes it if its form was opened before the run and is saved after it."""
    row = make(task="test.counted")
    scheduler = beat()
    scheduler.tick()
    row.save()
    assert scheduler.tick() >= PAUSE
    assert Job.objects.count() == 1
    row.refresh_from_db()
    assert row.total_run_count == 0  # as written back: nothing ran since
    scheduler.tick()
    assert ScheduledRun.objects.count() == 1


def test_a_turn_that_another_process_takes_first_is_skipped() -> None:
    row = overdue(task="test.counted")
    slow = beat()
    entry = slow.schedule[row.name]  # read before the turn was taken
    beat().tick()
    assert slow._check(entry) >= PAUSE
    assert Job.objects.count() == 1


def test_nothing_runs_before_its_turn() -> None:
    overdue(task="test.counted", last_run_at=timezone.now())
    scheduler = beat()
    assert scheduler.tick() == scheduler.max_interval
    assert not Job.objects.exists()


def test_a_tick_returns_the_seconds_to_the_next_turn() -> None:
    soon = IntervalSchedule.objects.create(every=60, period=IntervalSchedule.SECONDS)
    overdue(task="test.counted", interval=soon, last_run_at=timezone.now())
    scheduler = beat()
    scheduler.max_interval = 300
    assert 0 < scheduler.tick() <= 60


@both
def test_the_next_turn_is_taken_too(make: Overdue) -> None:
    row = make(task="test.counted")
    beat().tick()
    before = ScheduledRun.objects.get()
    ScheduledRun.objects.update(slot=before.slot - timedelta(days=1))
    row.save()
    beat().tick()
    assert Job.objects.count() == 2


def test_a_schedule_that_is_paused_in_the_admin_does_not_run() -> None:
    row = overdue(task="test.counted")
    scheduler = beat()
    entry = scheduler.schedule[row.name]
    PeriodicTask.objects.update(enabled=False)
    scheduler._check(entry)
    scheduler.tick()
    assert not Job.objects.exists()


def test_a_change_in_the_admin_takes_effect_at_once() -> None:
    row = overdue(task="test.counted", args="[1]")
    scheduler = beat()
    entry = scheduler.schedule[row.name]
    PeriodicTask.objects.update(args="[2]")
    scheduler._check(entry)
    assert Job.objects.get().args == [2]


def test_a_one_off_schedule_runs_once_and_is_disabled() -> None:
    row = overdue(task="test.counted", one_off=True)
    for each in (beat(), beat(), beat()):
        each.tick()
    assert Job.objects.count() == 1
    row.refresh_from_db()
    assert not row.enabled


def test_a_clocked_schedule_runs_once_even_if_it_is_enabled_again() -> None:
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


def test_a_turn_that_passed_while_no_process_ran_is_taken_later() -> None:
    """The base class would read the row only around its own hour, the next day."""
    overdue_daily(task="test.counted")
    beat().tick()
    assert Job.objects.count() == 1


@pytest.mark.parametrize(("task", "name"), [("test.uncounted", "known"), ("far.away", "far.away")])
def test_an_untracked_task_is_published_after_the_commit(
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

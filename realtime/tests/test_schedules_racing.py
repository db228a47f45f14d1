"""Several beat processes at the same time, some of which are killed."""

import threading
from datetime import timedelta
from itertools import pairwise

import pytest
from celery import current_app
from django.db import connections
from django.utils import timezone
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from realtime.models import Job, ScheduledRun
from realtime.tests.support.beats import Overdue, beat, overdue, overdue_daily
from realtime.tests.support.example_tasks import quick
from realtime.tests.support.polling import until
from realtime.tests.support.worker_process import running, running_beat

pytestmark = pytest.mark.django_db(transaction=True)

BEATS = 4
SCHEDULES = 5
KILLED_BEFORE_THE_COMMIT = """
import os, signal
import django
django.setup()
from celery import current_app
from realtime.models import Job, ScheduledRun
from realtime.schedules.scheduler import Scheduler
import realtime.tests.support.example_tasks

class KilledScheduler(Scheduler):
    def _run(self, entry):
        super()._run(entry)
        assert (Job.objects.count(), ScheduledRun.objects.count()) == (1, 1)
        print("Killing itself.", flush=True)
        os.kill(os.getpid(), signal.SIGKILL)

current_app.conf.beat_schedule = {}
KilledScheduler(app=current_app).tick()
"""


@pytest.fixture(autouse=True)
def _empty_beat_schedule(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(current_app.conf, "beat_schedule", {})


def run_beat(barrier: threading.Barrier) -> None:
    scheduler = beat()
    barrier.wait(60)
    for _ in range(3):
        scheduler.tick()
    connections.close_all()


@pytest.mark.parametrize("make", [overdue, overdue_daily])
def test_concurrent_beats_take_each_turn_once(make: Overdue) -> None:
    for number in range(SCHEDULES):
        make(f"Count {number}", task=quick.name)
    barrier = threading.Barrier(BEATS)
    threads = [threading.Thread(target=run_beat, args=(barrier,)) for _ in range(BEATS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    names = [job.options["headers"]["periodic_task_name"] for job in Job.objects.all()]
    assert sorted(names) == [f"Count {number}" for number in range(SCHEDULES)]
    assert ScheduledRun.objects.count() == SCHEDULES
    counts = PeriodicTask.objects.values_list("total_run_count", flat=True)
    assert list(counts) == [1] * SCHEDULES


def test_a_beat_that_is_killed_before_the_commit_does_not_take_the_turn() -> None:
    overdue(task=quick.name)
    with running("-c", KILLED_BEFORE_THE_COMMIT) as killed:
        assert killed.process.wait(60) == -9, killed.log
        assert "Killing itself." in killed.log
    assert not Job.objects.exists()
    assert not ScheduledRun.objects.exists()
    beat().tick()
    beat().tick()
    assert Job.objects.count() == 1


def test_each_turn_has_one_run_while_beats_are_killed_and_the_broker_is_down() -> None:
    second = IntervalSchedule.objects.create(every=1, period=IntervalSchedule.SECONDS)
    overdue(task=quick.name, interval=second, last_run_at=timezone.now())
    no_broker = {"BROKER_URL": "redis+socket:///nowhere/broker.sock"}
    with running_beat(**no_broker), running_beat(**no_broker) as killed:
        until(lambda: Job.objects.count() >= 2, within=60, what="there are runs")
        killed.kill()
        before = Job.objects.count()
        with running_beat(**no_broker):
            until(lambda: Job.objects.count() > before + 3, within=60, what="there are more")
            until(
                lambda: timedelta(seconds=1) in steps(), within=60, what="a second was not missed"
            )
    until(each_turn_has_a_run, within=60, what="each turn has its run")


def steps() -> set[timedelta]:
    slots = ScheduledRun.objects.order_by("slot").values_list("slot", flat=True)
    return {later - slot for slot, later in pairwise(slots)}


def each_turn_has_a_run() -> bool:
    """True at once, unless PostgreSQL is still committing for a beat that was killed."""
    return Job.objects.count() == ScheduledRun.objects.count()

"""The scenario of two beats on one table of schedules: one of them is killed and started again.

Both beats run a schedule whose interval is one second. Each run of its task records the time; two
runs within half a second are one turn of the schedule that ran twice. The other system is the
scheduler of django-celery-beat on the same tables.
"""

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Final

from realtime.tests.chaos import effects
from realtime.tests.chaos.audit import Fault, Verdict
from realtime.tests.chaos.effects import Entry
from realtime.tests.chaos.load_generator import Requests
from realtime.tests.chaos.processes import HOME, SupervisedProcess, Supervisor, pause
from realtime.tests.chaos.profiles import Profile
from realtime.tests.chaos.scenarios import make_verdict
from realtime.tests.chaos.site_database import FINISHED
from realtime.tests.chaos.stack import Stack

NAME: Final = "two beats"
INTERVAL: Final = 1.0
SCHEDULERS: Final = {
    "picha": ("chaos.turn", "realtime.schedules.scheduler:Scheduler"),
    "plain celery": ("chaos.plain_turn", "django_celery_beat.schedulers:DatabaseScheduler"),
}
RUN_BEAT: Final = """
import sys, django
django.setup()
from celery import current_app
import realtime.tests.chaos.tasks
current_app.conf.beat_schedule = {}
current_app.Beat(loglevel="WARNING", scheduler=sys.argv[1], max_interval=1).run()
"""
ENABLE_ONLY: Final = """
import sys
from django_celery_beat.models import IntervalSchedule, PeriodicTask, PeriodicTasks
PeriodicTask.objects.update(enabled=False)
every, _ = IntervalSchedule.objects.get_or_create(every=1, period="seconds")
name = {task!r}
if name:
    row = dict(task=name, interval=every, enabled=True, kwargs='{{"token": "%s"}}' % name)
    PeriodicTask.objects.update_or_create(name=name, defaults=row)
PeriodicTasks.update_changed()
"""


def run(stack: Stack, *, profile: Profile, seed: int) -> Iterator[Verdict]:
    stack.wait_until_ready()
    for system, (task, scheduler) in SCHEDULERS.items():
        enable_only(stack, task)
        with two_beats(stack, scheduler) as beats:
            pause(profile.beat_seconds / 2)
            beats[seed % 2].kill()
            injected = [Fault(ended_at=time.time(), kills=1)]
            pause(profile.beat_seconds / 2)
        pause(2 * INTERVAL)  # so that the last published task begins
        yield judge(stack, system, task, injected, profile=profile)
    enable_only(stack, "")


def judge(
    stack: Stack, system: str, task: str, injected: Sequence[Fault], *, profile: Profile
) -> Verdict:
    entries = [entry for entry in effects.read(stack.effects, prefix=task) if entry.token == task]
    rows = [row for row in stack.database.jobs() if row.task == task]
    duplicates = count_duplicates(entries)
    turns = [row.id for row in rows] or [str(n) for n in range(len(entries) - duplicates)]
    requests = Requests(task, task, sent=set(turns), acknowledged=dict.fromkeys(turns, 0.0))
    has_skipped_turns = len(entries) < profile.beat_seconds / INTERVAL / 2
    return make_verdict(
        NAME,
        system,
        stack,
        requests,
        injected,
        lost=max(0, len(rows) - len(entries)) + has_skipped_turns,
        unexpected=max(0, len(entries) - len(rows)) if rows else 0,
        duplicated_effects=duplicates,
        duplicated_executions=duplicates,
        stuck=sum(row.state not in FINISHED for row in rows),
        failed=sum(row.state == "failed" for row in rows),
        unknown=0,
        recovery_p50_s=None,
        recovery_p99_s=None,
    )


def count_duplicates(entries: Sequence[Entry]) -> int:
    times = sorted(entry.at for entry in entries)
    return sum(later - earlier < INTERVAL / 2 for earlier, later in pairwise(times))


def enable_only(stack: Stack, task: str) -> None:
    """Disables all schedules but that of `task`, or all if `task` is empty."""
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", ENABLE_ONLY.format(task=task)],
        cwd=HOME,
        env=stack.environment,
        check=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def two_beats(stack: Stack, scheduler: str) -> Iterator[Sequence[SupervisedProcess]]:
    beats = [
        SupervisedProcess(
            name=name,
            command=[sys.executable, "-c", RUN_BEAT, scheduler],
            environment=stack.environment,
            log=stack.effects.with_name(f"{name}.log"),
        )
        for name in ("beat1", "beat2")
    ]
    supervisor = Supervisor(beats)
    supervisor.start()
    try:
        yield beats
    finally:
        supervisor.stop()

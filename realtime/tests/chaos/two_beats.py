"""Two beats on one table of schedules; one of them is killed and comes back.

A schedule of a second is run by both. Each run notes when it was; two within half a second are one
turn that was run twice. The other system is django-celery-beat's own scheduler on the same tables.
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
from realtime.tests.chaos.effects import Line
from realtime.tests.chaos.load_generator import Asked
from realtime.tests.chaos.processes import HOME, SupervisedProcess, Supervisor, nap
from realtime.tests.chaos.profiles import Form
from realtime.tests.chaos.scenarios import verdict
from realtime.tests.chaos.site_database import FINISHED
from realtime.tests.chaos.stack import Rig

NAME: Final = "two beats"
TURN: Final = 1.0
SCHEDULERS: Final = {
    "picha": ("chaos.turn", "realtime.schedules.scheduler:Scheduler"),
    "plain celery": ("chaos.plain_turn", "django_celery_beat.schedulers:DatabaseScheduler"),
}
BEAT: Final = """
import sys, django
django.setup()
from celery import current_app
import realtime.tests.chaos.tasks
current_app.conf.beat_schedule = {}
current_app.Beat(loglevel="WARNING", scheduler=sys.argv[1], max_interval=1).run()
"""
ONLY: Final = """
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


def run(rig: Rig, *, form: Form, seed: int) -> Iterator[Verdict]:
    rig.wait_until_ready()
    for system, (task, scheduler) in SCHEDULERS.items():
        schedule_only(rig, task)
        with two_beats(rig, scheduler) as beats:
            nap(form.beat / 2)
            beats[seed % 2].kill()
            happened = [Fault(ended_at=time.time(), kills=1)]
            nap(form.beat / 2)
        nap(2 * TURN)  # what was published is begun
        yield judge(rig, system, task, happened, form=form)
    schedule_only(rig, "")


def judge(rig: Rig, system: str, task: str, happened: Sequence[Fault], *, form: Form) -> Verdict:
    lines = [line for line in effects.read(rig.effects, prefix=task) if line.token == task]
    rows = [row for row in rig.rows.jobs() if row.task == task]
    turns = [row.id for row in rows] or [str(n) for n in range(len(lines) - twice(lines))]
    asked = Asked(task, task, acknowledged=dict.fromkeys(turns, 0.0))
    asked.sent.update(asked.acknowledged)
    return verdict(
        NAME,
        system,
        rig,
        asked,
        happened,
        lost=max(0, len(rows) - len(lines)) + (len(lines) < form.beat / TURN / 2),
        unexpected=max(0, len(lines) - len(rows)) if rows else 0,
        duplicated_effects=twice(lines),
        duplicated_executions=twice(lines),
        stuck=sum(row.state not in FINISHED for row in rows),
        failed=sum(row.state == "failed" for row in rows),
        unknown=0,
        recovery_p50_s=None,
        recovery_p99_s=None,
    )


def twice(lines: Sequence[Line]) -> int:
    times = sorted(line.at for line in lines)
    return sum(later - earlier < TURN / 2 for earlier, later in pairwise(times))


def schedule_only(rig: Rig, task: str) -> None:
    """The one schedule that is on; none for an empty name."""
    subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", ONLY.format(task=task)],
        cwd=HOME,
        env=rig.environment,
        check=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@contextmanager
def two_beats(rig: Rig, scheduler: str) -> Iterator[Sequence[SupervisedProcess]]:
    beats = [
        SupervisedProcess(
            name=name,
            command=[sys.executable, "-c", BEAT, scheduler],
            environment=rig.environment,
            log=rig.effects.with_name(f"{name}.log"),
        )
        for name in ("beat1", "beat2")
    ]
    supervisor = Supervisor(beats)
    supervisor.start()
    try:
        yield beats
    finally:
        supervisor.stop()

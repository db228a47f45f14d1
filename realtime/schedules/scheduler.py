"""Scheduler: a scheduler for Celery beat that takes each turn of a schedule exactly once.

Set it as `CELERY_BEAT_SCHEDULER`. It uses the tables of django-celery-beat. Any number of beat
processes may run, and each may be killed at any time:

- A turn is taken in one transaction: it locks the row of the schedule and reads it again, inserts
  the row of the turn (`ScheduledRun`, unique), saves the job, and updates the time of the last run.
  A process that dies before the commit has changed nothing. A second process finds the turn taken.
- The rows are read at every tick. So a change in the admin takes effect with the next tick, and no
  copy in memory can overwrite it.
- A schedule of the setting `CELERY_BEAT_SCHEDULE` becomes a row if there is none of its name. From
  then on only the row counts: delete it to restore the schedule of the setting.
- While the database is down or locked, the scheduler waits. While the broker is down, the saved
  jobs wait. Only tasks that are not tracked (`track=False`, or unknown to beat) need the broker at
  their turn: if it does not answer, their turn passes with a warning in the log.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, Final

from celery.schedules import maybe_schedule
from django.db import IntegrityError, close_old_connections, transaction
from django.db.models import F
from django.utils import timezone
from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

from realtime.database import DATABASE_ERRORS
from realtime.models import ScheduledRun
from realtime.schedules.slots import slot_of

log: Final = logging.getLogger(__name__)

PAUSE: Final = 1.0
"""Seconds to the next tick if the database did not answer or the turn was taken already."""
ONE_RETRY: Final = {"max_retries": 1, "interval_start": 0}


class Scheduler(DatabaseScheduler):  # type: ignore[misc]  # ships no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._installed = False
        self._logged: set[tuple[str, str]] = set()
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Do nothing: `tick` installs the schedules, once the database answers."""

    def sync(self) -> None:
        """Do nothing: the rows are updated with each turn."""

    @property
    def schedule(self) -> dict[str, ModelEntry]:
        """The enabled schedules, read from the tables."""
        entries: dict[str, ModelEntry] = {}
        for row in self.enabled_models():
            try:
                entries[row.name] = self.Entry(row, app=self.app)
            except DATABASE_ERRORS:
                raise
            except Exception as error:  # noqa: BLE001 - one bad row must not stop the others
                self._log_once(row.name, error)
        return entries

    def enabled_models_qs(self) -> Any:
        """All enabled rows. The base class omits crontabs of other hours, also if they are late."""
        return self.Model.objects.enabled()

    def tick(self, *_: Any, **__: Any) -> float:
        """Take every turn that is due; returns the seconds to the next tick."""
        close_old_connections()
        try:
            self._install()
            waits = [self._check(entry) for entry in self.schedule.values()]
        except DATABASE_ERRORS as error:
            log.warning("The schedules wait: the database does not answer (%s).", error)
            close_old_connections()
            return PAUSE
        return float(min([self.max_interval, *waits]))

    def update_from_dict(self, mapping: Mapping[str, Mapping[str, Any]]) -> None:
        """Create the rows of the schedules in `mapping` that have none."""
        for name, fields in mapping.items():
            try:
                with transaction.atomic():
                    self._create_if_missing(name, fields)
            except IntegrityError:
                continue  # Another beat process has created it.
            except DATABASE_ERRORS:
                raise
            except Exception as error:  # noqa: BLE001 - one bad schedule must not stop the others
                self._log_once(name, error)

    def _install(self) -> None:
        """Create the rows of the setting's schedules; after the first tick only missing ones."""
        schedules = self.app.conf.beat_schedule
        if self._installed:
            rows = self.Model.objects.filter(name__in=schedules).values_list("name", flat=True)
            schedules = {name: schedules[name] for name in schedules.keys() - set(rows)}
        elif self.app.conf.result_backend:
            self.install_default_entries({})
        self.update_from_dict(schedules)
        self._installed = True

    def _create_if_missing(self, name: str, fields: Mapping[str, Any]) -> None:
        row = self.Model.objects.filter(name=name).first()
        if row is None:
            self.Entry.from_entry(name, app=self.app, **fields)
        elif row.schedule != maybe_schedule(fields["schedule"]):
            log.info(
                "The schedule %r runs as its row says (%s), not as CELERY_BEAT_SCHEDULE says.",
                name,
                row,
            )

    def _check(self, entry: ModelEntry) -> float:
        try:
            is_due, wait = entry.is_due()
            if is_due and not self._take_turn(entry.model.pk):
                wait = max(wait, PAUSE)
        except DATABASE_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001 - for example a crontab for February 31
            self._log_once(entry.name, error)
            return float(self.max_interval)
        return float(wait)

    def _take_turn(self, schedule_id: int) -> bool:
        """Run the task of the schedule; False if the turn is taken or no longer due."""
        with transaction.atomic():
            row = self.Model.objects.select_for_update().filter(pk=schedule_id).first()
            entry = row and self.Entry(row, app=self.app)
            if not entry or not entry.is_due().is_due:
                return False
            now = timezone.now()
            slot = slot_of(entry.schedule, since=entry.last_run_at, now=now)
            _, is_free = ScheduledRun.objects.get_or_create(schedule=row.name, slot=slot)
            self._save_run(row, at=now, is_run=is_free)
            if is_free:
                self._run(entry)
        return is_free

    def _save_run(self, row: Any, *, at: datetime, is_run: bool) -> None:
        fields: dict[str, Any] = {"last_run_at": at, "date_changed": at}
        if is_run:
            fields["total_run_count"] = F("total_run_count") + 1
        elif row.one_off:
            fields |= {"last_run_at": None, "enabled": False}
        self.Model.objects.filter(pk=row.pk).update(**fields)

    def _run(self, entry: ModelEntry) -> None:
        """Save the job in the transaction of the turn, or publish an untracked task after it."""
        task = self.app.tasks.get(entry.task)
        if not getattr(task, "track", False):
            transaction.on_commit(partial(self._publish, entry))
            return
        try:
            with transaction.atomic():
                task.apply_async(entry.args, entry.kwargs, **entry.options)
        except DATABASE_ERRORS:
            raise
        except Exception:  # The arguments do not fit the task: a retry would fail too.
            log.exception(
                "A turn of schedule %r passed without a job: see the error. Check its arguments.",
                entry.name,
            )
        else:
            log.info("Schedule %r: a job of task %s was saved.", entry.name, entry.task)

    def _publish(self, entry: ModelEntry) -> None:
        task = self.app.tasks.get(entry.task)
        send = task.apply_async if task else partial(self.app.send_task, entry.task)
        try:
            send(entry.args, entry.kwargs, retry_policy=ONE_RETRY, **entry.options)
        except Exception as error:  # noqa: BLE001 - any error: the next turn is tried again
            log.warning(
                "A turn of schedule %r passed: its task could not be published: %s",
                entry.name,
                error,
            )
        else:
            log.info("Schedule %r: task %s was published.", entry.name, entry.task)

    def _log_once(self, name: str, error: Exception) -> None:
        """Log each error of a schedule once, although the rows are read every few seconds."""
        key = (name, repr(error))
        if key not in self._logged:
            self._logged.add(key)
            log.error(
                "The schedule %r is not usable: %s. Correct or disable it in the admin.", *key
            )

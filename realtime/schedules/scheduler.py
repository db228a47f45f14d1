"""The scheduler of beat: django-celery-beat's tables, each turn of a schedule taken once.

Set it as `CELERY_BEAT_SCHEDULER`. Any number of beats may run, and may be killed at any moment:

- A turn is taken in one transaction: the schedule's row is locked and read again, the turn's row
  is inserted (`ScheduledRun`, unique), the job is written, the time of the last run moves on. A
  beat that dies before the commit has done nothing; one that comes second finds nothing to do.
- The rows are the truth: they are read at every look, so that what is changed or paused in the
  admin holds from the next look on. There is no copy in memory that could be written back.
- The schedules of the code (`CELERY_BEAT_SCHEDULE`) become rows where there is none of that name.
  From then on the row holds, whatever the code says: delete it to have the code's again.
- A database that is down or locked is waited for. So is, by the job, a broker that is down. Only
  the runs of tasks that are no jobs (`track=False`, or unknown to beat) need the broker here, and
  are left out, with a line in the log, when it does not answer.
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
"""Seconds to the next look when the database did not answer, or a turn was taken already."""
ONE_RETRY: Final = {"max_retries": 1, "interval_start": 0}


class Scheduler(DatabaseScheduler):  # type: ignore[misc]  # ships no types
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._installed = False
        self._told: set[tuple[str, str]] = set()
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Nothing yet: `tick` does it, and again until the database answers."""

    def sync(self) -> None:
        """Nothing: whatever is to be kept is written with the turn."""

    @property
    def schedule(self) -> dict[str, ModelEntry]:
        """The enabled schedules, as they are in the tables now."""
        entries: dict[str, ModelEntry] = {}
        for row in self.enabled_models():
            try:
                entries[row.name] = self.Entry(row, app=self.app)
            except DATABASE_ERRORS:
                raise
            except Exception as error:  # noqa: BLE001 - one bad row must not stop the others
                self._tell(row.name, error)
        return entries

    def enabled_models_qs(self) -> Any:
        """All: the parent leaves out crontabs of other hours, also those that are to catch up."""
        return self.Model.objects.enabled()

    def tick(self, *_: Any, **__: Any) -> float:
        """Take every turn that is due; returns the seconds to the next look."""
        close_old_connections()
        try:
            self._install()
            waits = [self._look(entry) for entry in self.schedule.values()]
        except DATABASE_ERRORS as error:
            log.warning("The schedules wait: the database does not answer (%s).", error)
            close_old_connections()
            return PAUSE
        return float(min([self.max_interval, *waits]))

    def update_from_dict(self, mapping: Mapping[str, Mapping[str, Any]]) -> None:
        """Make the rows of those of these schedules that have none."""
        for name, fields in mapping.items():
            try:
                with transaction.atomic():
                    self._keep_or_create(name, fields)
            except IntegrityError:
                continue  # Another beat has just made it.
            except DATABASE_ERRORS:
                raise
            except Exception as error:  # noqa: BLE001 - one bad schedule must not stop the others
                self._tell(name, error)

    def _install(self) -> None:
        """Look at all schedules of the code at the start; from then on at those without a row."""
        schedules = self.app.conf.beat_schedule
        if self._installed:
            rows = self.Model.objects.filter(name__in=schedules).values_list("name", flat=True)
            schedules = {name: schedules[name] for name in schedules.keys() - set(rows)}
        elif self.app.conf.result_backend:
            self.install_default_entries({})
        self.update_from_dict(schedules)
        self._installed = True

    def _keep_or_create(self, name: str, fields: Mapping[str, Any]) -> None:
        row = self.Model.objects.filter(name=name).first()
        if row is None:
            self.Entry.from_entry(name, app=self.app, **fields)
        elif row.schedule != maybe_schedule(fields["schedule"]):
            log.info("The schedule %r runs as its row says (%s), not as the code.", name, row)

    def _look(self, entry: ModelEntry) -> float:
        try:
            is_due, wait = entry.is_due()
            if is_due and not self._take_turn(entry.model.pk):
                wait = max(wait, PAUSE)
        except DATABASE_ERRORS:
            raise
        except Exception as error:  # noqa: BLE001 - such as a crontab whose day never comes
            self._tell(entry.name, error)
            return float(self.max_interval)
        return float(wait)

    def _take_turn(self, schedule_id: int) -> bool:
        """Run what the schedule is for, unless its turn is taken or it was paused or changed."""
        with transaction.atomic():
            row = self.Model.objects.select_for_update().filter(pk=schedule_id).first()
            entry = row and self.Entry(row, app=self.app)
            if not entry or not entry.is_due().is_due:
                return False
            now = timezone.now()
            slot = slot_of(entry.schedule, since=entry.last_run_at, now=now)
            _, is_free = ScheduledRun.objects.get_or_create(schedule=row.name, slot=slot)
            self._move_on(row, at=now, is_run=is_free)
            if is_free:
                self._run(entry)
        return is_free

    def _move_on(self, row: Any, *, at: datetime, is_run: bool) -> None:
        fields: dict[str, Any] = {"last_run_at": at, "date_changed": at}
        if is_run:
            fields["total_run_count"] = F("total_run_count") + 1
        elif row.one_off:
            fields |= {"last_run_at": None, "enabled": False}
        self.Model.objects.filter(pk=row.pk).update(**fields)

    def _run(self, entry: ModelEntry) -> None:
        """Write the job, in the transaction of the turn; what is no job is published after it."""
        task = self.app.tasks.get(entry.task)
        if not getattr(task, "track", False):
            transaction.on_commit(partial(self._publish, entry))
            return
        try:
            with transaction.atomic():
                task.apply_async(entry.args, entry.kwargs, **entry.options)
        except DATABASE_ERRORS:
            raise
        except Exception:  # its arguments do not fit, and will not the next moment either
            log.exception("A turn of %r passed without its job.", entry.name)
        else:
            log.info("It is the turn of %r (%s).", entry.name, entry.task)

    def _publish(self, entry: ModelEntry) -> None:
        task = self.app.tasks.get(entry.task)
        send = task.apply_async if task else partial(self.app.send_task, entry.task)
        try:
            send(entry.args, entry.kwargs, retry_policy=ONE_RETRY, **entry.options)
        except Exception as error:  # noqa: BLE001 - whatever it is, the next turn comes
            log.warning("A turn of %r passed, it was not published: %s", entry.name, error)
        else:
            log.info("It is the turn of %r (%s).", entry.name, entry.task)

    def _tell(self, name: str, error: Exception) -> None:
        """Once for each reason: the rows are looked at every few seconds."""
        told = (name, repr(error))
        if told not in self._told:
            self._told.add(told)
            log.error("The schedule %r is not usable: %s", *told)

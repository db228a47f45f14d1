"""Turns of schedules: which ones have been taken."""

from django.db import models
from django.db.models.functions import Now


class ScheduledRun(models.Model):
    """A turn of a schedule that a beat process has taken.

    The row is unique, so only one beat process can insert it. The others skip the turn.
    """

    schedule = models.CharField(max_length=200, help_text="Its name.")
    slot = models.DateTimeField(help_text="Which turn it is.")
    taken_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-slot",)
        constraints = (models.UniqueConstraint(fields=("schedule", "slot"), name="schedule_slot"),)

    def __str__(self) -> str:
        return f"{self.schedule}, {self.slot:%Y-%m-%d %H:%M:%S %Z}"

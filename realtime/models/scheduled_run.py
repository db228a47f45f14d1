"""The turns of schedules that have been taken."""

from django.db import models
from django.db.models.functions import Now


class ScheduledRun(models.Model):
    """A turn that a beat has taken. Whoever cannot insert it leaves the turn to who could."""

    schedule = models.CharField(max_length=200, help_text="Its name.")
    slot = models.DateTimeField(help_text="Which turn it is.")
    taken_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("-slot",)
        constraints = (models.UniqueConstraint(fields=("schedule", "slot"), name="schedule_slot"),)

    def __str__(self) -> str:
        return f"{self.schedule}, {self.slot:%Y-%m-%d %H:%M:%S %Z}"

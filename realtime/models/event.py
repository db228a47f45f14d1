"""The timeline of a job. Its events of kind ACTION are the audit log."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from realtime.states import EventKind, JobState


class JobEvent(models.Model):
    """One event in the timeline of a job."""

    job = models.ForeignKey("realtime.Job", related_name="events", on_delete=models.CASCADE)
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=10, choices=EventKind.choices)
    state = models.CharField(max_length=10, choices=JobState.choices, blank=True)
    text = models.TextField(blank=True)
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        db_index=False,  # The index event_actor is smaller.
    )
    reason = models.TextField(blank=True)

    class Meta:
        ordering = ("id",)
        indexes = (
            models.Index(
                fields=("actor",), condition=models.Q(actor__isnull=False), name="event_actor"
            ),
        )

    def __str__(self) -> str:
        return self.text

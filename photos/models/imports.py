import uuid

from django.conf import settings
from django.db import models
from django.utils import timezone


class ImportMark(models.Model):
    """The upload date up to which the scheduled import with these tags has read."""

    tags = models.CharField(max_length=500, unique=True, blank=True)
    uploaded_at = models.DateTimeField()
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.tags or "everything"


class ImportRequest(models.Model):
    """An import that a user has started. The same form sent again starts no other import."""

    token = models.UUIDField(default=uuid.uuid4)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    tags = models.CharField(max_length=500, blank=True)
    limit = models.PositiveIntegerField()
    job_id = models.UUIDField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ("-created_at",)
        constraints = (
            # With the values, because a user may go back, change the same form and send it again.
            models.UniqueConstraint(
                fields=("owner", "token", "tags", "limit"), name="import_request_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.limit} of {self.tags or 'everything'}"

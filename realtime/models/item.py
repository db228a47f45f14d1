"""The ledger of a job: its items."""

from django.db import models
from django.db.models.functions import Now

from realtime.models.addresses import is_own_address
from realtime.models.job import Job
from realtime.states import ItemState


class JobItem(models.Model):
    """One item of a job's ledger. Its `key` is unique in the job."""

    job = models.ForeignKey(
        Job,
        related_name="items",
        on_delete=models.CASCADE,
        db_index=False,  # The constraint item_key has an index.
    )
    key = models.CharField(max_length=200)
    label = models.CharField(max_length=300, blank=True)
    state = models.CharField(max_length=10, choices=ItemState.choices, default=ItemState.PENDING)
    outcome = models.CharField(max_length=50, blank=True)
    detail = models.CharField(max_length=500, blank=True)
    image = models.CharField(max_length=500, blank=True)
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("job", "key"), name="item_key"),)

    def __str__(self) -> str:
        return self.label or self.key

    @property
    def shown_image(self) -> str:
        """The address of the picture; empty if it is not one of this site."""
        return self.image if is_own_address(self.image) else ""

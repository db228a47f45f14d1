from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone


class TurnQuerySet(models.QuerySet["Turn"]):
    def reserve(self, name: str, *, every: float) -> float:
        """Reserve the time of one request; return the seconds until then.

        The row is locked, so that two processes never reserve the same time.
        """
        with transaction.atomic():
            self.get_or_create(name=name, defaults={"free_at": timezone.now()})
            turn = self.select_for_update().get(name=name)
            now = timezone.now()
            reserved_at = max(now, turn.free_at)
            self.filter(pk=turn.pk).update(free_at=reserved_at + timedelta(seconds=every))
        return (reserved_at - now).total_seconds()


class Turn(models.Model):
    """The time of the next request to a server that limits the rate of requests."""

    name = models.CharField(max_length=50, primary_key=True)
    free_at = models.DateTimeField()

    objects = TurnQuerySet.as_manager()

    def __str__(self) -> str:
        return self.name

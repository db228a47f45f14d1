"""Publishes the jobs that the broker has not got."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import F, Max, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now

from realtime.conf import conf
from realtime.jobs import outbox
from realtime.maintenance import broker
from realtime.models import Job
from realtime.states import CLAIMABLE

OVERTAKEN: Final = timedelta(seconds=5)
"""A message that another, published so much later, has overtaken in its queue is lost."""
RECENT: Final = timedelta(minutes=10)
"""How long after its last heartbeat a job still counts as one that has overtaken others."""
IN_TURN: Final = ~Q(options__has_key="priority") | Q(options__priority=0)
"""Without a priority: who gives way to others is overtaken all the time."""


def forget_lost_messages(limit: int) -> int:
    """Mark jobs as unpublished whose messages the broker has lost; returns how many.

    Two signs, since a queue is served in order: another job of the queue that was published later
    has begun, or the queue is empty. A message that is only delayed, then comes twice, and its
    second finds nothing to claim.
    """
    return sum(_forget_lost(queue, limit) for queue in _queues_that_wait())


def relay(limit: int) -> int:
    """Publish the jobs that the process that saved them did not, the oldest first.

    Returns how many it found. Jobs published twice are harmless: the second message finds nothing
    to claim.
    """
    late = Job.objects.unpublished(before=_ago(conf.RELAY_AFTER)).order_by("queued_at")
    ids = list(late.values_list("pk", flat=True)[:limit])
    if ids:
        outbox.publish(ids)
    return len(ids)


def _ago(seconds: float) -> Combinable:
    """By the database's clock, as the rows have it: those of the workers may differ."""
    return Now() - Value(timedelta(seconds=seconds))


def _patient() -> Q:
    """Published long enough ago, and due for as long."""
    moment = _ago(conf.MESSAGE_LOST_AFTER)
    return Q(state__in=CLAIMABLE, published_at__lt=moment) & (Q(due_at=None) | Q(due_at__lt=moment))


def _queues_that_wait() -> list[str]:
    waiting = Job.objects.filter(_patient()).order_by()
    return list(waiting.values_list("queue", flat=True).distinct())


def _forget_lost(queue: str, limit: int) -> int:
    waiting = Job.objects.filter(_patient(), queue=queue)
    if broker.depth(queue) > 0:
        newest = _newest_begun(queue)
        if newest is None:
            return 0
        waiting = waiting.filter(IN_TURN, published_at__lt=newest - OVERTAKEN)
    ids: list[UUID] = list(waiting.order_by("id").values_list("pk", flat=True)[:limit])
    lost = Job.objects.filter(pk__in=ids, state__in=CLAIMABLE)
    return lost.update_in_order(published_at=None)


def _newest_begun(queue: str) -> datetime | None:
    """When the newest message of `queue` of those that have been begun of late was published."""
    # A row that was made for a message that came without one says when that came.
    sent = Job.objects.filter(queue=queue, published_at__gt=F("queued_at"))
    # Since it was published: `started_at` is that of the first run, also while a retry waits.
    begun = sent.filter(heartbeat_at__gte=F("published_at"))
    recent = begun.filter(heartbeat_at__gte=Now() - RECENT)
    newest: datetime | None = recent.aggregate(newest=Max("published_at"))["newest"]
    return newest

"""Relay: publishes jobs that were never published, or whose messages the broker has lost.

Called by each round of maintenance.
"""

import logging
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db.models import F, Max, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from realtime.conf import conf
from realtime.jobs import outbox
from realtime.maintenance import broker
from realtime.models import Job
from realtime.states import CLAIMABLE

log: Final = logging.getLogger(__name__)

BROKER_ERRORS: Final = (OperationalError, RedisError, OSError)
OVERTAKEN_BY: Final = timedelta(seconds=5)
"""A message is lost if one that was published this much later was delivered before it."""
RECENT: Final = timedelta(minutes=10)
"""Only deliveries to jobs with a heartbeat within this time are compared."""
WITHOUT_PRIORITY: Final = ~Q(options__has_key="priority") | Q(options__priority=0)
"""Only such messages are compared: one of low priority is overtaken without being lost."""


def forget_lost_messages(limit: int) -> int:
    """Mark jobs as unpublished if the broker has lost their messages; returns how many.

    A queue is served in order. So a message is lost if the queue is empty, or if a message that
    was published later has been delivered. If the message was only delayed, the job is published
    twice, and the second message finds nothing to claim.
    """
    forgotten, unreadable = 0, ""
    for queue in _queues_with_waiting_jobs():
        try:
            forgotten += _forget_lost_of(queue, limit)
        except BROKER_ERRORS as error:
            if unreadable:
                raise  # The broker is down, not one queue unreadable.
            unreadable = queue
            log.warning("The depth of the queue %r cannot be read: %r", queue, error)
    return forgotten


def relay(limit: int) -> int:
    """Publish the jobs that the process that saved them has not published, the oldest first.

    Returns how many there were. A job that is published twice does no harm: the second message
    finds nothing to claim.
    """
    late = Job.objects.unpublished(before=_ago(conf.RELAY_AFTER)).order_by("queued_at")
    ids = list(late.values_list("pk", flat=True)[:limit])
    if ids:
        outbox.publish(ids)
    return len(ids)


def _ago(seconds: float) -> Combinable:
    """A time by the database's clock, as in the rows. The clocks of workers may differ."""
    return Now() - Value(timedelta(seconds=seconds))


def _waits_too_long() -> Q:
    """The job was published, and due, longer than `REALTIME_MESSAGE_LOST_AFTER` ago."""
    moment = _ago(conf.MESSAGE_LOST_AFTER)
    return Q(state__in=CLAIMABLE, published_at__lt=moment) & (Q(due_at=None) | Q(due_at__lt=moment))


def _queues_with_waiting_jobs() -> list[str]:
    waiting = Job.objects.filter(_waits_too_long()).order_by()
    return list(waiting.values_list("queue", flat=True).distinct())


def _forget_lost_of(queue: str, limit: int) -> int:
    waiting = Job.objects.filter(_waits_too_long(), queue=queue)
    if broker.depth(queue) > 0:
        newest = _newest_delivery(queue)
        if newest is None:
            return 0
        waiting = waiting.filter(WITHOUT_PRIORITY, published_at__lt=newest - OVERTAKEN_BY)
    ids: list[UUID] = list(waiting.order_by("id").values_list("pk", flat=True)[:limit])
    lost = Job.objects.filter(pk__in=ids, state__in=CLAIMABLE)
    return lost.update_in_order(published_at=None)


def _newest_delivery(queue: str) -> datetime | None:
    """When the newest of the recently delivered messages of `queue` was published."""
    # Adopted jobs do not count: their `published_at` is the time when the message arrived.
    published = Job.objects.filter(queue=queue, published_at__gt=F("queued_at"))
    # A heartbeat after the publication: `started_at` is the start of the first attempt.
    delivered = published.filter(heartbeat_at__gte=F("published_at"))
    recent = delivered.filter(heartbeat_at__gte=Now() - RECENT)
    newest: datetime | None = recent.aggregate(newest=Max("published_at"))["newest"]
    return newest

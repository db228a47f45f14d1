"""What dead processes and lost messages leave behind, and how it is mended.

Every worker does this every few seconds (`REALTIME_RECOVER_INTERVAL`) from its main process: as a
periodic task it would wait in the queue behind the very jobs that occupy the children. Each step
is a conditional UPDATE, so that any number of workers may do it at once. A step that fails keeps no
other from its work, and each goes on while it finds as much as it looks at.

Silence means death only while others are heard. After the database was out of reach, or locked,
for as long as a lease, all running jobs look lost, those of live processes too. So a rescue wants
a witness: a worker whose own heartbeats have been saved without a break until now, and for five
`REALTIME_PERSIST_INTERVAL`s at least, in which the live have beaten again. A break is three
quarters of a lease. Where there was none, rescues are not a moment later.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, Max, Q, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from kombu.exceptions import OperationalError

from realtime import batches, broker, outbox, transitions
from realtime.alive import DATABASE_DOWN
from realtime.conf import conf
from realtime.hand import Hand
from realtime.models import Job, Worker
from realtime.states import CLAIMABLE, JobState

log: Final = logging.getLogger(__name__)

BATCH: Final = 500
"""Jobs that one call of a step looks at."""
CALLS: Final = 40
"""Calls of one step at a time: what a step finds may be the same for ever, if it cannot mend it."""
UNREACHABLE: Final = (*DATABASE_DOWN, OSError, OperationalError, outbox.BrokerDown)
OVERTAKEN: Final = timedelta(seconds=5)
"""A message that another, published so much later, has overtaken in its queue is lost."""
EXPIRED: Final = "It was not begun in the time that it was given."
RECENT: Final = timedelta(minutes=10)
"""How long after its last heartbeat a job still counts as one that has overtaken others."""
IN_TURN: Final = ~Q(options__has_key="priority") | Q(options__priority=0)
"""Without a priority: who gives way to others is overtaken all the time."""


async def recover(hand: Hand) -> None:
    """Rescue or fail the jobs of dead workers, and publish what the broker has not got.

    `hand` does it, a call at a time, so that others may ask something of it in between.
    """
    for step in (rescue, expire, batches.repair, forget_lost_messages, relay):
        try:
            await _whole(step, hand)
        except UNREACHABLE as error:
            log.warning("%s: nothing can be recovered now: %r", step.__name__, error)
        except Exception:
            log.exception("%s: nothing can be recovered", step.__name__)


async def _whole(step: Callable[[], int], hand: Hand) -> None:
    for _ in range(CALLS):
        if await hand.do(step) < BATCH:
            return


def rescue() -> int:
    """Queue again, or fail, each running job whose lease has run out; returns how many.

    None while no worker's own heartbeats have been saved for a while: see above.
    """
    silence = timedelta(seconds=conf.LEASE)
    silent = Job.objects.filter(state=JobState.RUNNING, heartbeat_at__lt=Now() - silence)
    lost = silent.filter(Exists(Worker.objects.steady()))
    ids = list(lost.order_by("id").values_list("pk", flat=True)[:BATCH])
    return sum(_lose(pk, silence) for pk in ids)


def _lose(job_id: UUID, silence: timedelta) -> bool:
    with transaction.atomic():
        # As it is now: it may have been asked to end since it was found. Not if it is locked: a
        # process that froze in the middle of a transaction keeps its job's row so.
        job = Job.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=job_id).first()
        if job is None or not transitions.lose(job, silence=silence):
            return False
        if job.cancel_requested_at:
            ended = transitions.cancel_waiting(job.pk)
            batches.cancel_rest(job)
            return ended
        times = job.losses + 1
        sentence = f"The worker was lost {times} times." if times > 1 else "The worker was lost."
        return transitions.rescue(job.pk) or transitions.give_up(
            job.pk, code="worker_lost", error=sentence
        )


def expire() -> int:
    """Fail the jobs that nobody has begun in time: no worker takes them any more."""
    late = Job.objects.filter(state__in=CLAIMABLE, expires_at__lt=Now())
    ids = late.order_by("id").values_list("pk", flat=True)[:BATCH]
    return sum(transitions.refuse(pk, code="expired", error=EXPIRED) for pk in list(ids))


def forget_lost_messages() -> int:
    """Mark jobs as unpublished whose messages the broker has lost; returns how many.

    Two signs, since a queue is served in order: another job of the queue that was published later
    has begun, or the queue is empty. A message that is only delayed, then comes twice, and its
    second finds nothing to claim.
    """
    return sum(_forget_lost(queue) for queue in _queues_that_wait())


def relay() -> int:
    """Publish the jobs that the process that saved them did not, the oldest first.

    Returns how many it found. Jobs published twice are harmless: the second message finds nothing
    to claim.
    """
    late = Job.objects.unpublished(before=_ago(conf.RELAY_AFTER)).order_by("queued_at")
    ids = list(late.values_list("pk", flat=True)[:BATCH])
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


def _forget_lost(queue: str) -> int:
    waiting = Job.objects.filter(_patient(), queue=queue)
    if broker.depth(queue) > 0:
        newest = _newest_begun(queue)
        if newest is None:
            return 0
        waiting = waiting.filter(IN_TURN, published_at__lt=newest - OVERTAKEN)
    ids: list[UUID] = list(waiting.order_by("id").values_list("pk", flat=True)[:BATCH])
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

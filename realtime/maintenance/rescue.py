"""Rescue: queues again, or fails, the jobs whose workers are gone, and fails expired ones.

Called by each round of maintenance.

A silent worker is dead only if the database has heard other workers. After the database was out of
reach, or locked, for as long as a lease, the jobs of live workers look silent too. So jobs are
rescued only while at least one worker is steady (`Worker.objects.steady`): its own heartbeats have
been saved without a gap of three quarters of a lease, until now and for at least five
`REALTIME_PERSIST_INTERVAL`s, in which every live process has saved its heartbeats again.
"""

from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import Exists
from django.db.models.functions import Now

from realtime.batches import rollup
from realtime.conf import conf
from realtime.jobs import transitions
from realtime.models import Job, Worker
from realtime.states import CLAIMABLE, JobState

EXPIRED: Final = "It was not begun in the time that it was given."


def rescue(limit: int) -> int:
    """Queue again, or fail, each running job whose lease has run out; returns how many.

    None while no worker's own heartbeats have been saved for a while: see above.
    """
    silence = timedelta(seconds=conf.LEASE)
    silent = Job.objects.filter(state=JobState.RUNNING, heartbeat_at__lt=Now() - silence)
    lost = silent.filter(Exists(Worker.objects.steady()))
    ids = list(lost.order_by("id").values_list("pk", flat=True)[:limit])
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
            rollup.cancel_children(job)
            return ended
        times = job.losses + 1
        sentence = f"The worker was lost {times} times." if times > 1 else "The worker was lost."
        return transitions.rescue(job.pk) or transitions.give_up(
            job.pk, code="worker_lost", error=sentence
        )


def expire(limit: int) -> int:
    """Fail the jobs that nobody has begun in time: no worker takes them any more."""
    late = Job.objects.filter(state__in=CLAIMABLE, expires_at__lt=Now())
    ids = late.order_by("id").values_list("pk", flat=True)[:limit]
    return sum(transitions.refuse(pk, code="expired", error=EXPIRED) for pk in list(ids))

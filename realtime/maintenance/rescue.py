"""Rescue: queues again, or fails, jobs whose workers are dead, and fails expired jobs.

Called by each round of maintenance.

Jobs are rescued only while at least one worker has heartbeats without a gap of 3/4 of a lease
(`Worker.objects.steady`). Otherwise the database was away, not the workers: the jobs of live
workers have no recent heartbeat either. After such a gap, rescue waits five
`REALTIME_PERSIST_INTERVAL`s, in which every live process saves its heartbeats again.
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

EXPIRED: Final = "No worker started the job before it expired."


def rescue(limit: int) -> int:
    """Queue again, or fail, each running job whose lease has expired; returns how many.

    It rescues no job while no worker is steady (see the docstring of the module).
    """
    silence = timedelta(seconds=conf.LEASE)
    silent = Job.objects.filter(state=JobState.RUNNING, heartbeat_at__lt=Now() - silence)
    lost = silent.filter(Exists(Worker.objects.steady()))
    ids = list(lost.order_by("id").values_list("pk", flat=True)[:limit])
    return sum(_lose(pk, silence) for pk in ids)


def _lose(job_id: UUID, silence: timedelta) -> bool:
    with transaction.atomic():
        # Read the row again: it may have a cancel request by now. Skip it if it is locked, as by a
        # process that froze within a transaction.
        job = Job.objects.select_for_update(skip_locked=True, no_key=True).filter(pk=job_id).first()
        if job is None or not transitions.lose(job, silence=silence):
            return False
        if job.cancel_requested_at:
            is_cancelled = transitions.cancel_waiting(job.pk)
            rollup.cancel_children(job)
            return is_cancelled
        times = job.losses + 1
        sentence = f"The worker was lost {times} times." if times > 1 else "The worker was lost."
        return transitions.rescue(job.pk) or transitions.give_up(
            job.pk, code="worker_lost", error=sentence
        )


def expire(limit: int) -> int:
    """Fail the jobs that expired before a worker started them; returns how many."""
    late = Job.objects.filter(state__in=CLAIMABLE, expires_at__lt=Now())
    ids = late.order_by("id").values_list("pk", flat=True)[:limit]
    return sum(transitions.refuse(pk, code="expired", error=EXPIRED) for pk in list(ids))

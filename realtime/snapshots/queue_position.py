"""Queue positions: looks up where waiting jobs stand in their queues."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Case, Count, Exists, IntegerField, OuterRef, Q, Subquery, When
from django.db.models.functions import Coalesce, Now
from django.utils import timezone

from realtime.models import Job, QueuePosition, Worker
from realtime.snapshots.queue_speed import seconds_per_place
from realtime.states import CLAIMABLE, JobState


def load_queue_positions(jobs: Collection[Job]) -> None:
    """Set `queue_position` of those jobs that wait and are due, with one query for all of them.

    A second query, once in a few seconds for each queue, measures how fast the queue moves.
    """
    waiting = [job for job in jobs if job.state in CLAIMABLE and not seconds_until_due(job)]
    if waiting:
        positions = _positions({job.pk: job.queue for job in waiting})
        for job in waiting:
            job.queue_position = positions.get(job.pk)


def seconds_until_due(job: Job) -> float:
    """The seconds until a job with a later start may start; 0 for all others."""
    return max(0.0, (job.due_at - timezone.now()).total_seconds()) if job.due_at else 0.0


def _positions(queues: dict[UUID, str]) -> dict[UUID, QueuePosition]:
    speeds = seconds_per_place(queues.values())
    # A job that has left the queue since its row was loaded has no place any more.
    place = Case(
        When(state=JobState.QUEUED, then=Coalesce(_jobs_ahead(), 0) + 1),
        output_field=IntegerField(),
    )
    rows = Job.objects.filter(pk__in=queues).order_by()
    return {
        pk: QueuePosition(
            place=place, is_worker_up=is_worker_up, seconds_per_place=speeds[queues[pk]]
        )
        for pk, place, is_worker_up in rows.values_list("pk", place, Exists(Worker.objects.up()))
    }


def _jobs_ahead() -> Subquery:
    """The number of jobs that are before the outer one in its queue.

    A job that is run again keeps its id and comes last. A job that is not due yet is in no queue.
    """
    earlier = Q(queued_at__lt=OuterRef("queued_at")) | Q(id__lt=OuterRef("id"))
    jobs = Job.objects.filter(
        earlier,
        Q(due_at=None) | Q(due_at__lte=Now()),
        state=JobState.QUEUED,
        queue=OuterRef("queue"),
        queued_at__lte=OuterRef("queued_at"),
    )
    numbers = jobs.order_by().values("queue").annotate(number=Count("pk")).values("number")
    return Subquery(numbers, output_field=IntegerField())

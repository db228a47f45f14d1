"""From rows to snapshots."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.db.models import (
    Case,
    Count,
    Exists,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    When,
)
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone

from realtime.conf import conf
from realtime.files.storage import file_of
from realtime.models import Job, Worker
from realtime.snapshots.outcomes import in_display_order
from realtime.snapshots.queue_speed import queue_speeds
from realtime.snapshots.schema import File, Item, OperatorSnapshot, Phase, Snapshot
from realtime.states import CLAIMABLE, Carrier, JobState

UNPUBLISHED: Final = "The queue cannot be reached. Your request is saved and starts by itself."
NO_WORKER: Final = "No worker is up. Your request is saved and starts as soon as one is."


def with_queue_positions(jobs: QuerySet[Job]) -> QuerySet[Job]:
    """Annotate queued jobs with those `ahead`, and all with `worker_up`, in the same query.

    One that is run again keeps its id and comes last; one that is not due yet is in no line.
    """
    earlier = Q(queued_at__lt=OuterRef("queued_at")) | Q(id__lt=OuterRef("id"))
    ahead = (
        Job.objects.filter(
            earlier,
            Q(due_at=None) | Q(due_at__lte=Now()),
            state=JobState.QUEUED,
            queue=OuterRef("queue"),
            queued_at__lte=OuterRef("queued_at"),
        )
        .order_by()
        .values("queue")
        .annotate(number=Count("pk"))
        .values("number")
    )
    place = Case(When(state=JobState.QUEUED, then=Subquery(ahead)), output_field=IntegerField())
    return jobs.select_related("owner").annotate(ahead=place, worker_up=Exists(Worker.objects.up()))


def load_for_snapshots(ids: Iterable[UUID]) -> list[Job]:
    """The jobs of these ids, ready for `public` and `operator`.

    Those that wait are read once more, with what only they need: most do not, and the query for
    it takes several times as long to build. How fast their queues move is looked up too, once in
    a few seconds.
    """
    jobs = {job.pk: job for job in Job.objects.filter(pk__in=list(ids)).select_related("owner")}
    waiting = [pk for pk, job in jobs.items() if job.state in CLAIMABLE and not _seconds_early(job)]
    if waiting:
        again = list(with_queue_positions(Job.objects.filter(pk__in=waiting)))
        found = queue_speeds(job.queue for job in again)
        for job in again:
            job.pace = found[job.queue]  # type: ignore[attr-defined]  # as what a query annotates
        jobs |= {job.pk: job for job in again}
    return list(jobs.values())


def public(job: Job) -> Snapshot:
    return Snapshot(**_fields(job))


def operator(job: Job) -> OperatorSnapshot:
    return OperatorSnapshot(
        **_fields(job),
        task=job.task,
        queue=job.queue,
        worker=job.worker,
        owner=job.owner.get_username() if job.owner else "",
        error_code=job.error_code,
    )


def reason(job: Job) -> str:
    """Why a waiting job does not move; empty when it does, or when its turn just has not come."""
    if job.state not in CLAIMABLE or _seconds_early(job):
        return ""
    waited = (timezone.now() - (job.due_at or job.queued_at)).total_seconds()
    if job.published_at is None and waited > conf.RELAY_AFTER:
        return UNPUBLISHED
    return "" if getattr(job, "worker_up", True) else NO_WORKER


def _fields(job: Job) -> dict[str, Any]:
    return {
        "id": job.pk,
        "revision": job.revision,
        "tick": job.tick,
        "title": job.title,
        "state": job.state,
        "attempt": job.attempt,
        "max_attempts": job.max_attempts,
        "phase": job.phase,
        "phases": [_phase(job, phase) for phase in job.phases],
        "fraction": job.fraction,
        "done": job.done,
        "total": job.total,
        "unit": job.unit,
        "rate": job.rate,
        "eta": job.eta,
        "message": job.message,
        "counts": in_display_order(job.task, job.counts),
        "failed": job.failed,
        "items": [Item(*item) for item in job.recent],
        "place": _place(job),
        "expected_wait": _expected_wait(job),
        "reason": reason(job),
        "error": job.error,
        "result": job.result,
        "file": _file(job),
        "subject_url": job.subject_url,
        "queued_at": job.queued_at.timestamp(),
        "started_at": _seconds(job.started_at),
        "finished_at": _seconds(job.finished_at),
        "retry_at": _seconds(job.due_at),
        "batch": job.carrier == Carrier.CHILDREN,
    }


def _phase(job: Job, phase: list[Any]) -> Phase:
    """No phase runs on when the job is done, as the last one seems to whose loop was left."""
    name, state = phase
    is_over = job.state == JobState.SUCCEEDED and state == "running"
    return Phase(name, "done" if is_over else state)


def _file(job: Job) -> File | None:
    stored = file_of(job)
    if stored is None:
        return None
    url = reverse("realtime:file", args=[job.pk])
    return File(name=stored.name, size=stored.size, url=url)


def _place(job: Job) -> int | None:
    if job.state != JobState.QUEUED or _seconds_early(job):
        return None
    return (getattr(job, "ahead", None) or 0) + 1


def _expected_wait(job: Job) -> float | None:
    if job.state == JobState.QUEUED and (early := _seconds_early(job)):
        return round(early)
    place, pace = _place(job), getattr(job, "pace", None)
    return None if place is None or pace is None or reason(job) else round(place * pace)


def _seconds_early(job: Job) -> float:
    """How long it is until a job that was put off may start; 0 for all others."""
    return max(0.0, (job.due_at - timezone.now()).total_seconds()) if job.due_at else 0.0


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None

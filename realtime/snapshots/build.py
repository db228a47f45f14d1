"""Snapshots: builds them from the rows of jobs. Everything that shows a job calls it."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from django.utils import timezone
from msgspec import structs

from realtime.bounds import largest_counts, nearest_phases, shorten, small_result
from realtime.conf import conf
from realtime.files.storage import file_of
from realtime.models import Job
from realtime.models.addresses import is_link, is_own_address
from realtime.snapshots.outcomes import in_display_order
from realtime.snapshots.queue_position import load_queue_positions, seconds_until_due
from realtime.snapshots.schema import File, Item, OperatorSnapshot, Phase, Snapshot
from realtime.states import CLAIMABLE, JobState, RunBy

UNPUBLISHED: Final = "The queue cannot be reached. Your request is saved and starts by itself."
NO_WORKER: Final = "No worker is up. Your request is saved and starts as soon as one is."


def load_for_snapshots(ids: Iterable[UUID]) -> list[Job]:
    """The jobs with these ids, ready for `public` and `operator`.

    Most jobs do not wait, so the queue positions of those that do are a query of their own.
    """
    jobs = list(Job.objects.filter(pk__in=list(ids)).select_related("owner"))
    load_queue_positions(jobs)
    return jobs


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
    """Why a waiting job does not start; empty if nothing is wrong and it only waits its turn."""
    if job.state not in CLAIMABLE or seconds_until_due(job):
        return ""
    waited = (timezone.now() - (job.due_at or job.queued_at)).total_seconds()
    if job.published_at is None and waited > conf.RELAY_AFTER:
        return UNPUBLISHED
    position = job.queue_position
    return NO_WORKER if position and not position.is_worker_up else ""


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
        "phases": [_phase(job, each) for each in nearest_phases(job.phases, conf.PHASES_SHOWN)],
        "fraction": job.fraction,
        "done": job.done,
        "total": job.total,
        "unit": job.unit,
        "rate": job.rate,
        "eta": job.eta,
        "message": job.message,
        "counts": in_display_order(job.task, largest_counts(job.counts, conf.OUTCOMES_SHOWN)),
        "failed": job.failed,
        "items": [_item(Item(*item)) for item in job.recent[: conf.ITEMS_SHOWN]],
        "place": _place(job),
        "expected_wait": _expected_wait(job),
        "reason": reason(job),
        "error": shorten(job.error, conf.ERROR_MAX_CHARACTERS),
        "result": small_result(job.result, conf.RESULT_SHOWN_BYTES),
        "file": _file(job),
        "subject_url": job.subject_url if is_link(job.subject_url) else "",
        "queued_at": job.queued_at.timestamp(),
        "started_at": _seconds(job.started_at),
        "finished_at": _seconds(job.finished_at),
        "retry_at": _seconds(job.due_at),
        "batch": job.carrier == RunBy.CHILDREN,
    }


def _item(item: Item) -> Item:
    """Without its picture, if that is not one of this site."""
    is_own = not item.image or is_own_address(item.image)
    return item if is_own else structs.replace(item, image="")


def _phase(job: Job, phase: list[Any]) -> Phase:
    """A phase of a job that succeeded does not run any more.

    Its row says that the last phase runs if the body has left the loop of that phase early.
    """
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
    if job.state != JobState.QUEUED or seconds_until_due(job):
        return None
    return job.queue_position.place if job.queue_position else None


def _expected_wait(job: Job) -> float | None:
    if job.state == JobState.QUEUED and (seconds := seconds_until_due(job)):
        return round(seconds)
    place, position = _place(job), job.queue_position
    if place is None or position is None or position.seconds_per_place is None or reason(job):
        return None
    return round(place * position.seconds_per_place)


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None

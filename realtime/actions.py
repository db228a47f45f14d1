"""Actions of people on jobs: cancel and run again.

Each action adds an event to the job's timeline, with the user and the reason. Views check the
permission first (see `realtime.access`).
"""

from celery import current_app
from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction
from django.db.models import Count

from realtime.batches import rollup
from realtime.jobs import descendants, transitions
from realtime.jobs.reuse import QUEUED_AGAIN
from realtime.models import Job, JobEvent
from realtime.states import EventKind, ItemState, JobState, RunBy


def cancel(job: Job, *, actor: AbstractBaseUser | None = None, reason: str = "") -> bool:
    """Cancel a waiting job at once, or request the cancel of a running one.

    The body of a running job ends within about a second: an `async def` body at its next await,
    any other body at its next progress call. Items that are done stay in the ledger. All
    descendants are cancelled too. Returns False if the job has finished or has a cancel request.
    """
    with transaction.atomic():
        is_cancelled = (
            transitions.cancel_waiting(job.pk)
            or transitions.request_cancel(job.pk)
            or transitions.cancel_waiting(job.pk)  # Its attempt may have ended between the two.
        )
        if is_cancelled:
            _add_event(job, "Cancel", actor, reason)
            rollup.cancel_children(job)
    return is_cancelled


def run_again(
    job: Job,
    *,
    actor: AbstractBaseUser | None = None,
    reason: str = "",
    keep_ledger: bool = True,
) -> bool:
    """Queue a finished job once more, with the same arguments.

    With `keep_ledger`, a task with `resumes = True` does only what is not done: items that failed
    and items that were never started. If the job succeeded, or has items that still wait, its
    failed items become pending (`progress.keys(ItemState.PENDING)` returns them). A batch runs its
    failed and cancelled child jobs again, or all of them if there are none. Without `keep_ledger`
    the job and all its descendants start from the beginning.

    Returns False if the job has not finished.
    """
    with transaction.atomic():
        descendants.reopen_ancestors(job)
        if not (
            _queue_again(job, keep_ledger=keep_ledger)
            or descendants.run_children_again(job, every=not keep_ledger)
        ):
            transaction.set_rollback(True)
            return False
        _add_event(job, "Run again" if keep_ledger else "Run again from the start", actor, reason)
    return True


def _queue_again(job: Job, *, keep_ledger: bool) -> bool:
    options = {name: value for name, value in job.options.items() if name != "retries"}
    phases = [name for name, _ in job.phases]
    if not transitions.run_again(job.pk, options=options, phases=phases, text=QUEUED_AGAIN):
        return False
    if not keep_ledger:
        job.items.all().delete()
        Job.objects.filter(pk=job.pk).update(counts={}, failed=0, recent=[])
        descendants.queue_children_again(job, every=True)
    elif resumes(job) and (job.state == JobState.SUCCEEDED or _has_pending(job)):
        _reset_failed(job)
    return True


def _has_pending(job: Job) -> bool:
    """Whether the last run ended before it started some of its items."""
    return job.items.filter(state=ItemState.PENDING).exists()


def _reset_failed(job: Job) -> None:
    """Make the failed items pending."""
    job.items.filter(state=ItemState.FAILED).update(state=ItemState.PENDING, outcome="", detail="")
    outcomes = job.items.exclude(outcome="").order_by().values_list("outcome")
    counts = dict(outcomes.annotate(number=Count("pk")))
    recent = [item for item in job.recent if item[3] != ItemState.FAILED]
    Job.objects.filter(pk=job.pk).update(counts=counts, failed=0, recent=recent)


def resumes(job: Job) -> bool:
    """Whether a second run of `job` does only what is not done.

    It does for tasks with `resumes = True` and for batches.
    """
    task = current_app.tasks.get(job.task)
    return job.carrier == RunBy.CHILDREN or bool(getattr(task, "resumes", False))


def _add_event(job: Job, text: str, actor: AbstractBaseUser | None, reason: str) -> None:
    JobEvent.objects.create(
        job=job,
        kind=EventKind.ACTION,
        text=text,
        actor_id=actor.pk if actor else None,
        reason=reason,
    )

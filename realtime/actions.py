"""What people do to jobs. Each action is in the job's timeline, with who did it and why."""

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
    """End a waiting job at once, and ask the body of a running one to end.

    An `async def` body is cancelled at its next await, any other at its next progress call, both
    within about a second; what it has done so far stays in the ledger. The jobs that it has made
    are cancelled too. Returns False when the job has finished, or has been asked before.
    """
    with transaction.atomic():
        done = (
            transitions.cancel_waiting(job.pk)
            or transitions.request_cancel(job.pk)
            or transitions.cancel_waiting(job.pk)  # Its run may have failed between the two.
        )
        if done:
            _note(job, "Cancel", actor, reason)
            rollup.cancel_children(job)
    return done


def run_again(
    job: Job,
    *,
    actor: AbstractBaseUser | None = None,
    reason: str = "",
    keep_ledger: bool = True,
) -> bool:
    """Queue a finished job once more, with the very same arguments.

    With its ledger kept, a task that says so (`resumes`) does only what is not done: the items
    that failed, and those never begun. Of a job that succeeded, those that failed are all there
    is left to do: they wait again (`progress.keys(ItemState.PENDING)`), beside those that still
    wait if such a run broke off. A batch runs those of its jobs again that failed or were
    cancelled, or all of them. Returns False when the job has not finished.
    """
    with transaction.atomic():
        descendants.reopen_ancestors(job)
        if not (
            _queue_again(job, keep_ledger=keep_ledger)
            or descendants.run_children_again(job, every=not keep_ledger)
        ):
            transaction.set_rollback(True)
            return False
        _note(job, "Run again" if keep_ledger else "Run again from the start", actor, reason)
    return True


def _queue_again(job: Job, *, keep_ledger: bool) -> bool:
    fresh = {name: value for name, value in job.options.items() if name != "retries"}
    phases = [name for name, _ in job.phases]
    if not transitions.run_again(job.pk, options=fresh, phases=phases, text=QUEUED_AGAIN):
        return False
    if not keep_ledger:
        job.items.all().delete()
        Job.objects.filter(pk=job.pk).update(counts={}, failed=0, recent=[])
        descendants.queue_children_again(job, every=True)
    elif resumes(job) and (job.state == JobState.SUCCEEDED or _has_waiting(job)):
        _failed_wait_again(job)
    return True


def _has_waiting(job: Job) -> bool:
    """Whether a run that broke off left some of the items that it was to do: they are known."""
    return job.items.filter(state=ItemState.PENDING).exists()


def _failed_wait_again(job: Job) -> None:
    job.items.filter(state=ItemState.FAILED).update(state=ItemState.PENDING, outcome="", detail="")
    outcomes = job.items.exclude(outcome="").order_by().values_list("outcome")
    counts = dict(outcomes.annotate(number=Count("pk")))
    recent = [item for item in job.recent if item[3] != ItemState.FAILED]
    Job.objects.filter(pk=job.pk).update(counts=counts, failed=0, recent=recent)


def resumes(job: Job) -> bool:
    """Whether running `job` again does only what it has not done, as its task says.

    A batch does: those of its jobs that have not succeeded are run again.
    """
    task = current_app.tasks.get(job.task)
    return job.carrier == RunBy.CHILDREN or bool(getattr(task, "resumes", False))


def _note(job: Job, text: str, actor: AbstractBaseUser | None, reason: str) -> None:
    JobEvent.objects.create(
        job=job,
        kind=EventKind.ACTION,
        text=text,
        actor_id=actor.pk if actor else None,
        reason=reason,
    )

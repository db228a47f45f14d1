"""Batches, and the changes of state that tests make to their child jobs."""

from celery import shared_task

from realtime.batches.batch import enqueue_batch
from realtime.batches.rollup import roll_up
from realtime.jobs import lease
from realtime.models import Job
from realtime.tasks import JobTask


@shared_task(base=JobTask, name="test.batches.child", title="Child")
def child_task(number: int = 0) -> int:
    return number


def batch_of(count: int, **options: object) -> Job:
    return enqueue_batch(child_task, [(n,) for n in range(count)], title="Many", **options)  # type: ignore[arg-type]


def children_of(batch: Job) -> list[Job]:
    return list(batch.children.order_by("pk"))


def claim(job: Job) -> Job:
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    return claimed


def succeed(job: Job) -> None:
    assert lease.finish(claim(job), result=1)


def fail(job: Job) -> None:
    assert lease.fail(claim(job), code="c", error="It broke.")


def rolled_up(batch: Job) -> Job:
    roll_up(batch.pk)
    batch.refresh_from_db()
    return batch

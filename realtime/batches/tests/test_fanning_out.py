import pytest

from realtime.batches.rollup import (
    batches_to_roll_up,
    roll_up,
)
from realtime.errors import JobEnded
from realtime.jobs import lease
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.states import FINISHED, JobState, RunBy
from realtime.tests.support.batches import batch_of, child_task, claim, rolled_up, succeed

pytestmark = pytest.mark.django_db


def test_a_job_that_fans_out_ends_with_its_children() -> None:
    job = claim(enqueue(child_task))
    first, second = enqueue(child_task, parent=job), enqueue(child_task, parent=job)
    succeed(first)
    roll_up(job.pk)
    assert Job.objects.get(pk=job.pk).done == 0  # while the body runs, its own progress counts
    assert lease.finish(job, result=7, done=9, fraction=1.0)
    job = rolled_up(job)
    assert (job.state, job.carrier, job.worker) == (JobState.RUNNING, RunBy.CHILDREN, "")
    assert (job.done, job.total, job.fraction) == (1, 2, 0.5)
    succeed(second)
    job = rolled_up(job)
    assert (job.state, job.result, job.attempt) == (JobState.SUCCEEDED, 7, 1)


def test_a_job_ends_after_its_body_if_its_children_ended_before() -> None:
    job = claim(enqueue(child_task))
    succeed(enqueue(child_task, parent=job))
    lease.finish(job, result=7)
    job.refresh_from_db()
    assert batches_to_roll_up([job]) == {job.pk}
    assert rolled_up(job).state == JobState.SUCCEEDED


def test_a_job_whose_body_fails_after_fanning_out_fails() -> None:
    job = claim(enqueue(child_task))
    child = enqueue(child_task, parent=job)
    assert lease.fail(job, code="c", error="It broke.")
    succeed(child)
    assert rolled_up(job).error == "It broke."


def test_late_progress_of_the_body_does_not_replace_the_totals() -> None:
    job = claim(enqueue(child_task))
    enqueue(child_task, parent=job)
    lease.finish(job, result=7)
    assert not Job.objects.leased(job).exists()


@pytest.mark.parametrize("state", sorted(FINISHED))
def test_a_job_that_has_ended_can_have_no_further_children(state: JobState) -> None:
    job = enqueue(child_task)
    Job.objects.filter(pk=job.pk).update(state=state)
    with pytest.raises(JobEnded):
        enqueue(child_task, parent=job)
    with pytest.raises(JobEnded):
        batch_of(1, parent=job)
    assert Job.objects.count() == 1

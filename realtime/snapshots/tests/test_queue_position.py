from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from realtime.models import Job, QueuePosition
from realtime.snapshots.build import public
from realtime.snapshots.queue_position import load_queue_positions
from realtime.snapshots.tests.jobs import load, make_job
from realtime.states import JobState

pytestmark = pytest.mark.django_db


def test_a_job_has_its_position_in_its_queue() -> None:
    job = make_job()
    load_queue_positions([job])
    expected = QueuePosition(place=1, is_worker_up=False, seconds_per_place=None)
    assert job.queue_position == expected


def test_a_job_that_started_since_its_row_was_loaded_has_no_place() -> None:
    job = make_job()
    Job.objects.update(state=JobState.RUNNING)
    load_queue_positions([job])
    assert public(job).place is None


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.SUCCEEDED])
def test_jobs_that_do_not_wait_cost_no_query(
    state: JobState, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = make_job(state=state)
    with django_assert_num_queries(0):
        load_queue_positions([job])
    assert job.queue_position is None


def test_the_place_counts_earlier_jobs_of_the_same_queue() -> None:
    make_job()
    make_job(queue="slow")
    make_job(state=JobState.RUNNING)
    second = make_job()
    make_job()
    assert public(load(second)).place == 2


def test_a_job_that_runs_again_is_last() -> None:
    now = timezone.now()
    again = make_job(queued_at=now)
    first = make_job(queued_at=now - timedelta(seconds=1))
    assert (public(load(again)).place, public(load(first)).place) == (2, 1)


def test_jobs_queued_at_the_same_time_are_in_the_order_of_their_ids() -> None:
    now = timezone.now()
    jobs = [make_job(queued_at=now) for _ in range(3)]
    assert [public(load(job)).place for job in jobs] == [1, 2, 3]


@pytest.mark.parametrize("state", set(JobState) - {JobState.QUEUED})
def test_only_a_queued_job_has_a_place(state: JobState) -> None:
    assert public(load(make_job(state=state))).place is None

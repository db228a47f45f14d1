import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from realtime.models import Job, Worker
from realtime.snapshots.overview import overview_numbers
from realtime.states import FINISHED, JobState, RunBy

pytestmark = pytest.mark.django_db


def make(state: JobState, **fields: object) -> Job:
    return Job.objects.create(**{"task": "t", "title": "T", "state": state, **fields})


def test_an_empty_site_has_numbers() -> None:
    numbers = overview_numbers()
    assert (numbers.running, numbers.waiting, numbers.failed, numbers.workers_known) == (0, 0, 0, 0)
    assert numbers.oldest_wait is None
    assert numbers.success is None


def test_the_numbers_count_what_they_say() -> None:
    now = timezone.now()
    for state in JobState:
        make(state, finished_at=now if state in FINISHED else None)
    make(JobState.SUCCEEDED, finished_at=now)
    numbers = overview_numbers()
    assert (numbers.running, numbers.waiting, numbers.failed) == (1, 3, 1)
    assert numbers.success == pytest.approx(2 / 3)


def test_success_is_of_the_last_hour() -> None:
    now = timezone.now()
    make(JobState.FAILED, finished_at=now - timedelta(minutes=61))
    make(JobState.SUCCEEDED, finished_at=now - timedelta(minutes=59))
    assert overview_numbers().success == 1


def test_the_oldest_wait_is_in_seconds() -> None:
    make(JobState.QUEUED, queued_at=timezone.now() - timedelta(seconds=40))
    make(JobState.QUEUED)
    assert overview_numbers().oldest_wait == pytest.approx(40, abs=10)


def test_a_job_with_a_later_start_waits_from_when_it_is_due() -> None:
    now = timezone.now()
    day = timedelta(days=1)
    make(JobState.QUEUED, queued_at=now - day, due_at=now + day)
    make(JobState.RETRYING, queued_at=now - day, due_at=now + day)
    assert (overview_numbers().waiting, overview_numbers().oldest_wait) == (2, None)
    make(JobState.QUEUED, queued_at=now - day, due_at=now - timedelta(seconds=40))
    assert overview_numbers().oldest_wait == pytest.approx(40, abs=10)


def test_a_silent_worker_is_down_but_known() -> None:
    Worker.objects.stamp("up")
    Worker.objects.create(name="down", heartbeat_at=timezone.now() - timedelta(minutes=1))
    numbers = overview_numbers()
    assert (numbers.workers_up, numbers.workers_known) == (1, 2)


@pytest.mark.skipif(connection.vendor != "sqlite", reason="reads the query plans of SQLite")
def test_each_count_reads_a_partial_index_and_not_the_table() -> None:
    with CaptureQueriesContext(connection) as context:
        overview_numbers()
    queries = [query["sql"] for query in context.captured_queries if "realtime_job" in query["sql"]]
    with connection.cursor() as cursor:
        plans = [cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall() for sql in queries]
    indexes = {re.sub(r".* INDEX (\w+).*", r"\1", row[3]) for plan in plans for row in plan}
    assert indexes == {"job_unfinished", "job_failed", "job_finished"}


def test_four_queries_are_enough(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(4):
        overview_numbers()


@pytest.mark.parametrize("state", JobState)
def test_a_batch_is_in_no_number(state: JobState) -> None:
    """It occupies no worker, and its jobs are counted."""
    long_ago = timezone.now() - timedelta(days=1)
    empty = overview_numbers()
    finished_at = timezone.now() if state in FINISHED else None
    make(state, carrier=RunBy.CHILDREN, queued_at=long_ago, finished_at=finished_at)
    assert overview_numbers() == empty


def test_a_running_job_with_children_is_counted() -> None:
    make(JobState.RUNNING, carrier=RunBy.BODY_THEN_CHILDREN)
    assert overview_numbers().running == 1

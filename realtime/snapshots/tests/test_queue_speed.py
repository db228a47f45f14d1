from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from realtime.models import Worker
from realtime.snapshots import queue_speed
from realtime.snapshots.build import load_for_snapshots, public
from realtime.snapshots.tests.jobs import load, make_job
from realtime.states import JobState

pytestmark = pytest.mark.django_db


def make_ended_job(seconds: float, **fields: object) -> None:
    end = timezone.now()
    start = end - timedelta(seconds=seconds)
    ended = {"state": JobState.SUCCEEDED, "attempt": 1, "started_at": start, "finished_at": end}
    make_job(**ended | fields)


def test_the_expected_wait_is_that_of_the_jobs_ahead() -> None:
    Worker.objects.stamp("celery@here")
    make_ended_job(10)
    make_ended_job(30)
    make_ended_job(900, queue="slow")
    make_ended_job(900, attempt=2)
    for _ in range(2):
        make_job(state=JobState.RUNNING)
    make_job()
    assert public(load(make_job())).expected_wait == 20.0


def test_the_wait_is_unknown_if_nothing_has_ended_or_nothing_runs() -> None:
    Worker.objects.stamp("celery@here")
    assert public(load(make_job(queue="new"))).expected_wait is None
    make_ended_job(10)
    assert public(load(make_job())).expected_wait is None


def test_the_wait_is_unknown_if_no_worker_is_up() -> None:
    make_ended_job(10)
    make_job(state=JobState.RUNNING)
    assert public(load(make_job())).expected_wait is None


def test_the_speed_of_a_queue_is_not_measured_for_every_job(
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(queue_speed, "CACHE_SECONDS", 600)
    job = make_job()
    load_for_snapshots([job.pk])
    with django_assert_num_queries(2):
        load_for_snapshots([job.pk])

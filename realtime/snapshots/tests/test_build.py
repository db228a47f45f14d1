from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from realtime.models import Job, Worker
from realtime.snapshots import queue_speed
from realtime.snapshots.build import (
    NO_WORKER,
    UNPUBLISHED,
    load_for_snapshots,
    operator,
    public,
    reason,
)
from realtime.snapshots.schema import Item, Phase, encode
from realtime.snapshots.words import sentence
from realtime.states import JobState
from realtime.tests.support.people import user

pytestmark = pytest.mark.django_db


def make(**fields: object) -> Job:
    fields.setdefault("published_at", timezone.now())
    return Job.objects.create(**{"task": "t", "title": "T", "queue": "celery", **fields})


def loaded(job: Job) -> Job:
    return load_for_snapshots([job.pk])[0]


def test_any_number_of_jobs_is_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ids = [make(owner=user(name), state=JobState.RUNNING).pk for name in ("ada", "bob")]
    with django_assert_num_queries(1):
        assert len([operator(job) for job in load_for_snapshots(ids)]) == 2


def test_a_row_that_was_loaded_without_a_position_has_no_place() -> None:
    make()
    job = make()
    snapshot = public(Job.objects.get(pk=job.pk))
    assert (snapshot.place, snapshot.expected_wait) == (None, None)
    assert sentence(snapshot).startswith("Waiting its turn.")


def test_the_place_counts_those_ahead_in_the_same_queue() -> None:
    make()
    make(queue="slow")
    make(state=JobState.RUNNING)
    second = make()
    make()
    assert public(loaded(second)).place == 2


def test_a_job_that_is_run_again_comes_last() -> None:
    now = timezone.now()
    again = make(queued_at=now)
    first = make(queued_at=now - timedelta(seconds=1))
    assert (public(loaded(again)).place, public(loaded(first)).place) == (2, 1)


def test_jobs_of_one_moment_come_in_the_order_of_their_ids() -> None:
    now = timezone.now()
    jobs = [make(queued_at=now) for _ in range(3)]
    assert [public(loaded(job)).place for job in jobs] == [1, 2, 3]


def test_a_job_that_was_put_off_is_in_no_line_and_says_when_it_starts() -> None:
    now = timezone.now()
    late = {"queued_at": now - timedelta(minutes=1), "published_at": None}
    off = make(due_at=now + timedelta(minutes=9), **late)
    shown = public(loaded(off))
    assert (shown.place, shown.reason) == (None, "")
    assert sentence(shown) == "Waiting its turn. Starts in about 9 min."
    assert public(loaded(make())).place == 1
    Job.objects.filter(pk=off.pk).update(due_at=now - timedelta(seconds=10))
    assert (public(loaded(off)).place, public(loaded(off)).reason) == (1, UNPUBLISHED)


def test_a_retry_that_is_overdue_says_why() -> None:
    now = timezone.now()
    retry = make(state=JobState.RETRYING, due_at=now + timedelta(minutes=1))
    assert public(loaded(retry)).reason == ""
    Job.objects.filter(pk=retry.pk).update(due_at=now - timedelta(minutes=10))
    assert public(loaded(retry)).reason == NO_WORKER
    Worker.objects.stamp("celery@here")
    assert public(loaded(retry)).reason == ""
    Job.objects.filter(pk=retry.pk).update(published_at=None)
    assert public(loaded(retry)).reason == UNPUBLISHED


@pytest.mark.parametrize("state", set(JobState) - {JobState.QUEUED})
def test_only_a_queued_job_has_a_place(state: JobState) -> None:
    assert public(loaded(make(state=state))).place is None


def ran(seconds: float, **fields: object) -> None:
    end = timezone.now()
    start = end - timedelta(seconds=seconds)
    ended = {"state": JobState.SUCCEEDED, "attempt": 1, "started_at": start, "finished_at": end}
    make(**ended | fields)


def test_the_wait_is_what_those_ahead_may_take() -> None:
    Worker.objects.stamp("celery@here")
    ran(10)
    ran(30)
    ran(900, queue="slow")
    ran(900, attempt=2)
    for _ in range(2):
        make(state=JobState.RUNNING)
    make()
    assert public(loaded(make())).expected_wait == 20.0


def test_nobody_knows_the_wait_where_nothing_has_run_or_runs() -> None:
    Worker.objects.stamp("celery@here")
    assert public(loaded(make(queue="new"))).expected_wait is None
    ran(10)
    assert public(loaded(make())).expected_wait is None


def test_there_is_no_wait_to_be_known_where_no_worker_is_up() -> None:
    ran(10)
    make(state=JobState.RUNNING)
    assert public(loaded(make())).expected_wait is None


def test_how_fast_a_queue_moves_is_not_looked_up_for_every_job(
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(queue_speed, "CACHE_SECONDS", 600)
    job = make()
    load_for_snapshots([job.pk])
    with django_assert_num_queries(2):
        load_for_snapshots([job.pk])


def test_a_waiting_job_says_that_no_worker_is_up() -> None:
    job = make()
    assert public(loaded(job)).reason == NO_WORKER
    Worker.objects.stamp("celery@here")
    assert public(loaded(job)).reason == ""


def test_a_job_that_the_broker_has_not_got_says_so() -> None:
    Worker.objects.stamp("celery@here")
    late = timezone.now() - timedelta(minutes=1)
    assert public(loaded(make(published_at=None, queued_at=late))).reason == UNPUBLISHED
    assert public(loaded(make(published_at=None))).reason == ""


@pytest.mark.parametrize(("seconds", "shown"), [(4.9, ""), (5.0, ""), (5.1, UNPUBLISHED)])
@pytest.mark.parametrize("since", ["queued_at", "due_at"])
def test_the_relay_has_its_time_first(
    seconds: float, shown: str, since: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    before = now - timedelta(seconds=seconds)
    job = Job(**{"queued_at": now - timedelta(seconds=60), since: before}, published_at=None)
    assert reason(job) == shown


def test_a_watcher_sees_nothing_that_is_for_operators() -> None:
    job = make(
        owner=user("grace"),
        args=["secret-argument"],
        worker="celery@inner",
        traceback="secret-traceback",
        task="secret.task",
        error_code="secret-code",
    )
    text = encode(public(loaded(job)))
    assert "secret" not in text
    assert "inner" not in text
    assert "grace" not in text  # no part of an id in hexadecimal


def test_an_operator_sees_worker_and_owner_but_no_arguments() -> None:
    job = make(owner=user("ada"), args=["secret"], worker="celery@inner")
    snapshot = operator(loaded(job))
    assert (snapshot.worker, snapshot.owner) == ("celery@inner", "ada")
    assert "secret" not in encode(snapshot)


def test_times_are_seconds_and_items_are_structures() -> None:
    now = timezone.now()
    job = make(
        started_at=now,
        due_at=now,
        phases=[["Reading", "done"]],
        recent=[["1", "A hill", "new", "done", "", "/p/1.webp"]],
    )
    snapshot = public(loaded(job))
    assert snapshot.started_at == snapshot.retry_at == now.timestamp()
    assert snapshot.finished_at is None
    assert snapshot.phases == [Phase("Reading", "done")]
    assert snapshot.items == [Item("1", "A hill", "new", "done", "", "/p/1.webp")]
    assert msgspec.json.decode(encode(snapshot))["items"][0]["label"] == "A hill"


@pytest.mark.parametrize(
    ("state", "shown"), [(JobState.SUCCEEDED, "done"), (JobState.FAILED, "running")]
)
def test_no_phase_runs_on_when_the_job_is_done(state: JobState, shown: str) -> None:
    phases = [["Reading", "done"], ["Saving", "running"], ["Telling", "waiting"]]
    snapshot = public(loaded(make(state=state, phases=phases)))
    assert [phase.state for phase in snapshot.phases] == ["done", shown, "waiting"]


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_can_be_shown(state: JobState) -> None:
    assert encode(operator(loaded(make(state=state))))

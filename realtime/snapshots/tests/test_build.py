from datetime import timedelta

import msgspec
import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from realtime.models import Job, Worker
from realtime.snapshots.build import (
    NO_WORKER,
    UNPUBLISHED,
    load_for_snapshots,
    operator,
    public,
    reason,
)
from realtime.snapshots.schema import Item, Phase, encode
from realtime.snapshots.tests.jobs import load, make_job
from realtime.snapshots.words import sentence
from realtime.states import JobState
from realtime.tests.support.claimed_progress import claimed_progress
from realtime.tests.support.people import user

pytestmark = pytest.mark.django_db


def test_any_number_of_jobs_is_one_query(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    ids = [make_job(owner=user(name), state=JobState.RUNNING).pk for name in ("ada", "bob")]
    with django_assert_num_queries(1):
        assert len([operator(job) for job in load_for_snapshots(ids)]) == 2


def test_a_row_that_was_loaded_without_a_position_has_no_place() -> None:
    make_job()
    job = make_job()
    snapshot = public(Job.objects.get(pk=job.pk))
    assert (snapshot.place, snapshot.expected_wait) == (None, None)
    assert sentence(snapshot).startswith("Waiting its turn.")


def test_a_job_with_a_later_start_has_no_place_and_says_when_it_starts() -> None:
    now = timezone.now()
    overdue = {"queued_at": now - timedelta(minutes=1), "published_at": None}
    later = make_job(due_at=now + timedelta(minutes=9), **overdue)
    snapshot = public(load(later))
    assert (snapshot.place, snapshot.reason) == (None, "")
    assert sentence(snapshot) == "Waiting its turn. Starts in about 9 min."
    assert public(load(make_job())).place == 1
    Job.objects.filter(pk=later.pk).update(due_at=now - timedelta(seconds=10))
    assert (public(load(later)).place, public(load(later)).reason) == (1, UNPUBLISHED)


def test_an_overdue_retry_says_why_it_waits() -> None:
    now = timezone.now()
    retry = make_job(state=JobState.RETRYING, due_at=now + timedelta(minutes=1))
    assert public(load(retry)).reason == ""
    Job.objects.filter(pk=retry.pk).update(due_at=now - timedelta(minutes=10))
    assert public(load(retry)).reason == NO_WORKER
    Worker.objects.stamp("celery@here")
    assert public(load(retry)).reason == ""
    Job.objects.filter(pk=retry.pk).update(published_at=None)
    assert public(load(retry)).reason == UNPUBLISHED


def test_a_waiting_job_says_that_no_worker_is_up() -> None:
    job = make_job()
    assert public(load(job)).reason == NO_WORKER
    Worker.objects.stamp("celery@here")
    assert public(load(job)).reason == ""


def test_a_job_that_was_not_published_says_so() -> None:
    Worker.objects.stamp("celery@here")
    late = timezone.now() - timedelta(minutes=1)
    assert public(load(make_job(published_at=None, queued_at=late))).reason == UNPUBLISHED
    assert public(load(make_job(published_at=None))).reason == ""


@pytest.mark.parametrize(("seconds", "shown"), [(4.9, ""), (5.0, ""), (5.1, UNPUBLISHED)])
@pytest.mark.parametrize("since", ["queued_at", "due_at"])
def test_a_job_says_so_only_once_the_relay_should_have_published_it(
    seconds: float, shown: str, since: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = timezone.now()
    monkeypatch.setattr(timezone, "now", lambda: now)
    before = now - timedelta(seconds=seconds)
    job = Job(**{"queued_at": now - timedelta(seconds=60), since: before}, published_at=None)
    assert reason(job) == shown


def test_a_public_snapshot_has_nothing_that_only_operators_may_see() -> None:
    job = make_job(
        owner=user("grace"),
        args=["secret-argument"],
        worker="celery@inner",
        traceback="secret-traceback",
        task="secret.task",
        error_code="secret-code",
    )
    text = encode(public(load(job)))
    assert "secret" not in text
    assert "inner" not in text
    assert "grace" not in text  # no part of an id in hexadecimal


def test_an_operator_sees_worker_and_owner_but_no_arguments() -> None:
    job = make_job(owner=user("ada"), args=["secret"], worker="celery@inner")
    snapshot = operator(load(job))
    assert (snapshot.worker, snapshot.owner) == ("celery@inner", "ada")
    assert "secret" not in encode(snapshot)


def test_times_are_in_seconds_and_items_are_structs() -> None:
    now = timezone.now()
    job = make_job(
        started_at=now,
        due_at=now,
        phases=[["Reading", "done"]],
        recent=[["1", "A hill", "new", "done", "", "/p/1.webp"]],
    )
    snapshot = public(load(job))
    assert snapshot.started_at == snapshot.retry_at == now.timestamp()
    assert snapshot.finished_at is None
    assert snapshot.phases == [Phase("Reading", "done")]
    assert snapshot.items == [Item("1", "A hill", "new", "done", "", "/p/1.webp")]
    assert msgspec.json.decode(encode(snapshot))["items"][0]["label"] == "A hill"


@pytest.mark.parametrize("address", ["javascript:alert(1)", "//evil.example/1.png"])
def test_a_row_with_an_unsafe_address_is_shown_without_it(address: str) -> None:
    recent = [["1", "A hill", "new", "done", "", address]]
    snapshot = public(load(make_job(recent=recent, subject_url=address)))
    assert snapshot.items == [Item("1", "A hill", "new", "done", "", "")]
    assert snapshot.subject_url == ""


@pytest.mark.parametrize(
    ("state", "shown"), [(JobState.SUCCEEDED, "done"), (JobState.FAILED, "running")]
)
def test_no_phase_of_a_succeeded_job_runs(state: JobState, shown: str) -> None:
    phases = [["Reading", "done"], ["Saving", "running"], ["Sending", "waiting"]]
    snapshot = public(load(make_job(state=state, phases=phases)))
    assert [phase.state for phase in snapshot.phases] == ["done", shown, "waiting"]


@pytest.mark.parametrize("state", list(JobState))
def test_every_state_has_a_snapshot(state: JobState) -> None:
    assert encode(operator(load(make_job(state=state))))


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_every_part_of_a_snapshot_has_a_limit(settings: Settings, more: int) -> None:
    settings.REALTIME_RESULT_SHOWN_BYTES = settings.REALTIME_ERROR_MAX_CHARACTERS = 40
    settings.REALTIME_OUTCOMES_SHOWN = settings.REALTIME_PHASES_SHOWN = 4
    settings.REALTIME_ITEMS_SHOWN = 4
    job = make_job(
        result="r" * (38 + more),
        error="e" * (40 + more),
        counts={str(number): 1 for number in range(4 + more)},
        phases=[[str(number), "done"] for number in range(4 + more)],
        recent=[[str(number), "", "new", "done", "", ""] for number in range(4 + more)],
    )
    snapshot = public(load(job))
    over = more > 0
    assert snapshot.result == (None if over else job.result)
    assert snapshot.error == ("e" * 39 + "…" if over else job.error)
    assert sum(snapshot.counts.values()) == 4 + more
    for part in (snapshot.counts, snapshot.phases, snapshot.items):
        assert len(part) == min(4, 4 + more)


def test_a_large_result_leaves_its_whole_numbers_in_the_snapshot() -> None:
    job = make_job(result={"rows": [0] * 1_000_000, "new": 3, "failed": 1})
    snapshot = public(load(job))
    assert snapshot.result == {"new": 3, "failed": 1}
    assert len(encode(snapshot)) < 2_000


def test_a_snapshot_of_a_job_of_many_outcomes_and_phases_stays_small() -> None:
    progress = claimed_progress()
    for number in range(500):
        with progress.phase(f"Phase {number}"):
            progress.item(str(number), f"outcome {number}")
    assert progress.save()
    progress.job.refresh_from_db()
    assert len(progress.job.counts) == len(progress.job.phases) == 50
    assert progress.job.phases[-1] == ["Phase 499", "done"]
    assert len(progress.counts()) == 500
    assert len(encode(public(load(progress.job)))) < 20_000

"""Jobs that are made of jobs: their sums, their ends, and what is done to all of them at once."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from celery import shared_task
from django.contrib.auth.models import User
from django.db.models import F
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from realtime.actions import cancel, run_again
from realtime.batches import rollup
from realtime.batches.batch import aenqueue_batch, enqueue_batch
from realtime.batches.rollup import (
    batches_to_roll_up,
    end_cancelled,
    end_failed,
    roll_up,
    roll_up_ended,
)
from realtime.errors import BatchTooLarge, JobEnded
from realtime.jobs import lease, outbox, transitions
from realtime.jobs.create import enqueue
from realtime.maintenance.round import STEPS
from realtime.models import Job, JobEvent, JobItem, Worker
from realtime.signals import jobs_changed, jobs_queued
from realtime.snapshots.build import load_for_snapshots, public
from realtime.states import FINISHED, EventKind, JobState, RunBy, Visibility
from realtime.tasks import JobTask
from realtime.tests.support.people import user

pytestmark = pytest.mark.django_db


@shared_task(base=JobTask, name="test.part", title="Do a part")
def part(number: int = 0) -> int:
    return number


def batch_of(count: int, **options: object) -> Job:
    return enqueue_batch(part, [(n,) for n in range(count)], title="Many", **options)  # type: ignore[arg-type]


def parts(batch: Job) -> list[Job]:
    return list(batch.children.order_by("pk"))


def start(job: Job) -> Job:
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    return claimed


def succeed(job: Job) -> None:
    assert lease.finish(start(job), result=1)


def fail(job: Job) -> None:
    assert lease.fail(start(job), code="c", error="It broke.")


def ended(batch: Job) -> Job:
    roll_up(batch.pk)
    batch.refresh_from_db()
    return batch


@pytest.fixture
def queued() -> Iterator[list[UUID]]:
    ids: list[UUID] = []

    def hear(ids: list[UUID], **_: object) -> None:
        heard.extend(ids)

    heard = ids
    jobs_queued.connect(hear)
    yield ids
    jobs_queued.disconnect(hear)


# How a batch is made


def test_a_batch_is_one_job_and_its_parts() -> None:
    owner = user()
    batch = batch_of(3, owner=owner, visibility=Visibility.PUBLIC, subject_url="/many/")
    batch.refresh_from_db()
    assert (batch.state, batch.carrier, batch.total, batch.done) == ("running", "children", 3, 0)
    assert (batch.title, batch.owner, batch.subject_url) == ("Many", owner, "/many/")
    assert [job.args for job in parts(batch)] == [[0], [1], [2]]
    for job in parts(batch):
        assert (job.state, job.title, job.owner) == (JobState.QUEUED, "Do a part", owner)
        assert job.visibility == Visibility.PUBLIC
        assert job.events.get().state == JobState.QUEUED
    assert batch.events.get().text == "Made of 3 jobs"


def test_calls_are_by_position_or_by_name() -> None:
    batch = enqueue_batch(part, [[1], {"number": 2}, ()], title="Many")
    made = [(job.args, job.kwargs) for job in parts(batch)]
    assert made == [([1], {}), ([], {"number": 2}), ([], {})]


@pytest.mark.parametrize("calls", [[(1,), (1, 2)], [(1,), (object(),)], [{"colour": 1}]])
def test_one_wrong_call_and_nothing_is_saved(calls: list[tuple[object, ...]]) -> None:
    with pytest.raises(Exception, match=r"argument|serializable"):
        enqueue_batch(part, calls, title="Many")
    assert not Job.objects.exists()


def test_the_parts_are_published_after_the_commit_and_the_batch_never(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, queued: list[UUID]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        batch = batch_of(3)
        assert queued == []
    assert queued == [job.pk for job in parts(batch)]


@pytest.mark.parametrize(("count", "allowed"), [(3, True), (4, True), (5, False)])
def test_a_batch_may_have_so_many_jobs(settings: Settings, count: int, allowed: bool) -> None:
    settings.REALTIME_BATCH_MAX = 4
    if allowed:
        assert batch_of(count).children.count() == count
    else:
        with pytest.raises(BatchTooLarge, match="4 jobs are allowed"):
            batch_of(count)
        assert not Job.objects.exists()


def test_calls_without_end_are_refused(settings: Settings) -> None:
    settings.REALTIME_BATCH_MAX = 4

    def endless() -> Iterator[tuple[int]]:
        while True:
            yield (1,)

    with pytest.raises(BatchTooLarge):
        enqueue_batch(part, endless(), title="Many")


def test_jobs_are_written_in_bulk(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(70):  # SQLite takes 999 values in one statement
        batch_of(1000)


@pytest.mark.once
def test_ten_thousand_jobs_are_made_added_up_and_cancelled_within_seconds() -> None:
    began = time.process_time()
    batch = batch_of(10_000)
    assert ended(batch).total == 10_000
    cancel(batch)
    batch.refresh_from_db()
    assert (batch.state, batch.counts) == (JobState.CANCELLED, {"cancelled": 10_000})
    assert time.process_time() - began < 60  # on a slow machine; a loop over loops takes hours


@pytest.mark.django_db(transaction=True)
async def test_async_callers_get_their_batch_too() -> None:
    batch = await aenqueue_batch(part, [(1,)], title="Many")
    assert await batch.children.acount() == 1


def test_a_batch_of_nothing_has_ended() -> None:
    assert ended(batch_of(0)).state == JobState.SUCCEEDED


# No worker has to do with a batch


def test_no_worker_can_claim_a_batch() -> None:
    assert lease.claim(batch_of(1).pk, worker="w") is None


def test_recovery_leaves_a_batch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    batch = batch_of(1)
    leased = {"state": JobState.RUNNING, "heartbeat_at": timezone.now()}
    batch.children.update(published_at=long_ago, **leased)
    Job.objects.update(queued_at=long_ago, started_at=long_ago)
    Worker.objects.create(name="up", steady_since=long_ago)
    monkeypatch.setattr(outbox, "publish", pytest.fail)
    assert [step(500) for step in STEPS] == [0] * len(STEPS)
    assert ended(batch).state == JobState.RUNNING


def test_what_a_worker_says_of_a_batch_is_not_heard() -> None:
    batch = batch_of(1)
    assert not lease.finish(batch, result=1)
    assert not lease.fail(batch, code="c", error="e")
    assert not Job.objects.leased(batch).exists()


# Its sums


def test_a_batch_is_its_jobs_added_up() -> None:
    batch = batch_of(5)
    first, second, third, fourth, _ = parts(batch)
    succeed(first)
    fail(second)
    transitions.cancel_waiting(third.pk)
    Job.objects.filter(pk=start(fourth).pk).update(fraction=0.5)
    batch = ended(batch)
    assert (batch.state, batch.done, batch.total) == (JobState.RUNNING, 3, 5)
    assert batch.fraction == pytest.approx(3.5 / 5)
    assert batch.counts == {"succeeded": 1, "failed": 1, "cancelled": 1}
    assert batch.message == "1 running, 1 waiting"
    assert batch.tick > 0


def test_the_bar_of_a_batch_never_moves_backwards() -> None:
    batch = batch_of(2)
    running = start(parts(batch)[0])
    Job.objects.filter(pk=running.pk).update(fraction=0.8)
    assert ended(batch).fraction == pytest.approx(0.4)
    Job.objects.filter(pk=running.pk).update(fraction=None)
    assert ended(batch).fraction == pytest.approx(0.4)


def look(batch: Job, *, after: float) -> Job:
    """Add the batch up, so many seconds after its last look and its start.

    Thousands of them, beside which the test's own seconds are nothing.
    """
    before = timedelta(seconds=after)
    rows = Job.objects.filter(pk=batch.pk)
    rows.update(estimated_at=F("estimated_at") - before, started_at=F("started_at") - before)
    return ended(batch)


def test_a_batch_has_a_rate_and_an_eta() -> None:
    batch = ended(batch_of(100))
    assert (batch.rate, batch.eta) == (None, None)
    jobs = iter(parts(batch))
    for _ in range(10):
        for _ in range(2):
            succeed(next(jobs))
        batch = look(batch, after=1000)
    assert batch.rate == pytest.approx(2 / 1000, rel=0.1)
    assert batch.eta == pytest.approx(40_000, rel=0.1)


def test_an_eta_of_a_batch_waits_until_it_means_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.progress.estimate.ETA_SECONDS", 5000)
    batch = ended(batch_of(10))
    jobs = iter(parts(batch))
    succeed(next(jobs))
    batch = look(batch, after=4000)
    assert batch.rate == pytest.approx(1 / 4000, rel=0.1)
    assert batch.eta is None
    succeed(next(jobs))
    assert look(batch, after=4000).eta == pytest.approx(32_000, rel=0.1)


def test_what_a_batch_had_done_before_it_was_run_again_has_no_speed() -> None:
    batch = batch_of(100)
    jobs = parts(batch)
    for job in jobs[:90]:
        succeed(job)
    for job in jobs[90:]:
        fail(job)
    assert ended(batch).state == JobState.FAILED
    assert run_again(batch)
    batch = ended(batch)
    assert (batch.done, batch.rate, batch.eta) == (90, None, None)
    succeed(jobs[90])
    batch = look(batch, after=5000)
    assert batch.rate == pytest.approx(1 / 5000, rel=0.1)
    assert batch.eta == pytest.approx(45_000, rel=0.1)


@pytest.mark.parametrize(
    ("ends", "state", "error"),
    [
        ([succeed, succeed], JobState.SUCCEEDED, ""),
        ([succeed, fail], JobState.FAILED, "1 of 2 failed."),
        ([fail, fail], JobState.FAILED, "2 of 2 failed."),
    ],
)
def test_a_batch_ends_with_its_last_job(
    ends: list[Callable[[Job], None]], state: JobState, error: str
) -> None:
    batch = batch_of(2)
    first, second = parts(batch)
    ends[0](first)
    assert ended(batch).state == JobState.RUNNING
    ends[1](second)
    batch = ended(batch)
    assert (batch.state, batch.error, batch.fraction, batch.done) == (state, error, 1.0, 2)
    assert batch.error_code == ("jobs_failed" if error else "")
    assert batch.message == ""
    assert batch.finished_at is not None
    assert batch.events.filter(state__in=FINISHED).count() == 1


def test_a_job_that_somebody_cancelled_does_not_fail_its_batch() -> None:
    batch = batch_of(2)
    first, second = parts(batch)
    transitions.cancel_waiting(first.pk)
    succeed(second)
    batch = ended(batch)
    assert batch.state == JobState.SUCCEEDED
    assert batch.counts == {"succeeded": 1, "cancelled": 1}


def test_an_ended_batch_ends_no_second_time() -> None:
    batch = batch_of(1)
    succeed(parts(batch)[0])
    revision = ended(batch).revision
    assert ended(batch).revision == revision
    assert batch.events.filter(state=JobState.SUCCEEDED).count() == 1


def test_a_roll_up_that_changes_nothing_is_not_announced(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    batch = ended(batch_of(2))
    with django_capture_on_commit_callbacks() as callbacks:
        roll_up(batch.pk)
    assert callbacks == []


def test_a_roll_up_of_any_other_job_does_nothing() -> None:
    job = start(enqueue(part))
    roll_up(job.pk)
    roll_up(uuid4())
    job.refresh_from_db()
    assert (job.state, job.tick, job.revision) == (JobState.RUNNING, 0, 1)


def test_which_batches_a_change_touches() -> None:
    batch = batch_of(1)
    (job,) = parts(batch)
    assert batches_to_roll_up([job]) == {batch.pk}
    assert batches_to_roll_up([batch]) == {batch.pk}  # it is new
    assert batches_to_roll_up([ended(batch)]) == set()  # its own sums are no change to add up
    assert batches_to_roll_up([enqueue(part)]) == set()


def test_watchers_see_the_sums() -> None:
    batch = batch_of(2)
    succeed(parts(batch)[0])
    snapshot = public(load_for_snapshots([ended(batch).pk])[0])
    assert (snapshot.done, snapshot.total, snapshot.unit) == (1, 2, "job")
    assert (snapshot.counts, snapshot.place, snapshot.reason) == ({"succeeded": 1}, None, "")


def test_what_a_dead_process_left_is_added_up() -> None:
    batch, going_on = batch_of(1), batch_of(1)
    succeed(parts(batch)[0])
    assert roll_up_ended(500) == 1
    batch.refresh_from_db()
    going_on.refresh_from_db()
    assert (batch.state, going_on.state) == (JobState.SUCCEEDED, JobState.RUNNING)


# What is done to all at once


def test_a_cancelled_batch_cancels_its_jobs(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    batch = batch_of(3)
    running, done, waiting = parts(batch)
    start(running)
    succeed(done)
    assert cancel(batch, actor=user(), reason="By mistake")
    states = [job.state for job in parts(batch)]
    assert states == [JobState.RUNNING, JobState.SUCCEEDED, JobState.CANCELLED]
    assert waiting.events.last().state == JobState.CANCELLED  # type: ignore[union-attr]
    running.refresh_from_db()
    assert running.cancel_requested_at is not None
    batch.refresh_from_db()
    assert batch.state == JobState.RUNNING  # until the running one has ended
    assert lease.cancel_running(running)
    assert ended(batch).state == JobState.CANCELLED
    assert batch.events.get(kind=EventKind.ACTION).reason == "By mistake"


def test_a_batch_that_only_waits_is_cancelled_at_once() -> None:
    batch = batch_of(2)
    cancel(batch)
    batch.refresh_from_db()
    assert (batch.state, batch.counts) == (JobState.CANCELLED, {"cancelled": 2})
    assert not cancel(batch)


def test_a_batch_that_was_done_before_the_cancelling_took_effect_succeeded() -> None:
    batch = batch_of(1)
    running = start(parts(batch)[0])
    cancel(batch)
    lease.finish(running, result=1)
    assert ended(batch).state == JobState.SUCCEEDED


def test_a_batch_within_a_batch_is_cancelled_too() -> None:
    outer = batch_of(1)
    inner = batch_of(2, parent=outer)
    cancel(outer)
    assert Job.objects.filter(state=JobState.CANCELLED).count() >= 3
    ended(inner)
    assert ended(outer).state == JobState.CANCELLED


def test_a_batch_within_a_batch_is_its_owners_and_as_public() -> None:
    outer = batch_of(1, owner=user(), visibility=Visibility.PUBLIC)
    inner = batch_of(1, parent=outer)
    told = batch_of(1, parent=outer, visibility=Visibility.PRIVATE, owner=user("other"))
    for batch in (inner, *parts(inner)):
        assert (batch.owner, batch.visibility) == (outer.owner, Visibility.PUBLIC)
    assert (told.owner, told.visibility) == (User.objects.get(username="other"), Visibility.PRIVATE)


def test_a_failed_batch_runs_its_failed_jobs_again(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, queued: list[UUID]
) -> None:
    batch = batch_of(3)
    good, bad, retried = parts(batch)
    succeed(good)
    fail(bad)
    Job.objects.filter(pk=retried.pk).update(options={"retries": 2, "priority": 1})
    fail(retried)
    ended(batch)
    with django_capture_on_commit_callbacks(execute=True):
        assert run_again(batch, actor=user())
    assert queued == [bad.pk, retried.pk]
    assert [job.state for job in parts(batch)] == ["succeeded", "queued", "queued"]
    retried.refresh_from_db()
    assert (retried.options, retried.error) == ({"priority": 1}, "")
    assert retried.published_at is None
    batch = ended(batch)
    assert (batch.state, batch.done, batch.error) == (JobState.RUNNING, 1, "")
    succeed(bad)
    succeed(retried)
    batch = ended(batch)
    assert (batch.state, batch.counts) == (JobState.SUCCEEDED, {"succeeded": 3})


@pytest.mark.parametrize(("keep", "items"), [(True, 1), (False, 0)])
def test_a_batch_that_went_well_runs_whole_again(keep: bool, items: int) -> None:
    batch = batch_of(1)
    (job,) = parts(batch)
    JobItem.objects.create(job=job, key="ada", outcome="failed")
    succeed(job)
    Job.objects.filter(pk=job.pk).update(failed=1)
    ended(batch)
    assert run_again(batch, keep_ledger=keep)
    job.refresh_from_db()
    assert (job.state, job.items.count(), job.failed) == (JobState.QUEUED, items, items)


def test_a_batch_that_goes_on_is_not_run_again() -> None:
    assert not run_again(batch_of(1))


def test_one_job_run_again_opens_its_batch_and_that_ones() -> None:
    outer = enqueue_batch(part, [], title="Outer")
    inner = batch_of(1, parent=outer)
    (job,) = parts(inner)
    fail(job)
    ended(inner)
    assert ended(outer).state == JobState.FAILED
    assert run_again(job)
    for batch in (inner, outer):
        batch.refresh_from_db()
        assert batch.state == JobState.RUNNING
    succeed(job)
    ended(inner)
    assert ended(outer).state == JobState.SUCCEEDED


def test_a_job_that_cannot_be_run_again_opens_nothing() -> None:
    batch = batch_of(2)
    fail(parts(batch)[0])
    job = parts(batch)[1]
    succeed(job)
    ended(batch)
    Job.objects.filter(pk=job.pk).update(state=JobState.RUNNING)
    assert not run_again(job)
    batch.refresh_from_db()
    assert batch.state == JobState.FAILED


# A running task that fans out


def test_a_task_that_fans_out_ends_with_its_jobs() -> None:
    job = start(enqueue(part))
    first, second = enqueue(part, parent=job), enqueue(part, parent=job)
    succeed(first)
    roll_up(job.pk)
    assert Job.objects.get(pk=job.pk).done == 0  # the body's own bar shows while it runs
    assert lease.finish(job, result=7, done=9, fraction=1.0)
    job = ended(job)
    assert (job.state, job.carrier, job.worker) == (JobState.RUNNING, RunBy.CHILDREN, "")
    assert (job.done, job.total, job.fraction) == (1, 2, 0.5)
    succeed(second)
    job = ended(job)
    assert (job.state, job.result, job.attempt) == (JobState.SUCCEEDED, 7, 1)


def test_a_task_whose_jobs_have_ended_before_its_body_ends_too() -> None:
    job = start(enqueue(part))
    succeed(enqueue(part, parent=job))
    lease.finish(job, result=7)
    job.refresh_from_db()
    assert batches_to_roll_up([job]) == {job.pk}
    assert ended(job).state == JobState.SUCCEEDED


def test_a_task_that_fails_after_it_fanned_out_has_failed() -> None:
    job = start(enqueue(part))
    child = enqueue(part, parent=job)
    assert lease.fail(job, code="c", error="It broke.")
    succeed(child)
    assert ended(job).error == "It broke."


def test_the_bus_saves_no_late_progress_over_the_sums() -> None:
    job = start(enqueue(part))
    enqueue(part, parent=job)
    lease.finish(job, result=7)
    assert not Job.objects.leased(job).exists()


def test_a_cancelled_task_takes_the_jobs_that_it_has_made_with_it() -> None:
    job = start(enqueue(part))
    before = enqueue(part, parent=job)
    assert cancel(job)
    before.refresh_from_db()
    assert before.state == JobState.CANCELLED
    after = enqueue(part, parent=job)
    lease.finish(job, result=7)
    assert ended(job).state == JobState.CANCELLED
    after.refresh_from_db()
    assert after.state == JobState.CANCELLED


def test_a_cancelled_batch_cancels_the_jobs_of_a_job_that_waits_for_its_next_try() -> None:
    batch = batch_of(1)
    body = start(parts(batch)[0])
    made = enqueue(part, parent=body)
    assert lease.retry_later(body, due_at=timezone.now(), error="Later.")
    assert cancel(batch)
    made.refresh_from_db()
    assert made.state == JobState.CANCELLED


@pytest.mark.parametrize("asked", [True, False])
@pytest.mark.parametrize("end", [end_cancelled, end_failed])
def test_what_is_made_after_a_cancel_is_cancelled_however_the_body_ends(
    end: Callable[..., bool], asked: bool
) -> None:
    job = start(enqueue(part))
    if asked:
        assert cancel(job)
    made = enqueue(part, parent=job)
    assert end(job, **{"code": "c", "error": "It broke."} if end is end_failed else {})
    made.refresh_from_db()
    cancelled = asked or end is end_cancelled
    assert made.state == (JobState.CANCELLED if cancelled else JobState.QUEUED)


def test_the_end_of_a_cancelled_body_and_that_of_its_jobs_are_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def die(job: Job) -> None:
        raise KeyboardInterrupt

    job = start(enqueue(part))
    enqueue(part, parent=job)
    monkeypatch.setattr(rollup, "cancel_descendants", die)
    with pytest.raises(KeyboardInterrupt):
        end_cancelled(job)
    job.refresh_from_db()
    assert job.state == JobState.RUNNING  # for its lease to find


def test_a_failed_fan_out_runs_its_failed_jobs_again_and_not_its_body() -> None:
    job = start(enqueue(part))
    child = enqueue(part, parent=job)
    lease.finish(job, result=7)
    fail(child)
    assert ended(job).error == "1 of 1 failed."
    assert run_again(job)
    succeed(child)
    job = ended(job)
    assert (job.state, job.result, job.attempt) == (JobState.SUCCEEDED, 7, 1)


@pytest.mark.parametrize("state", sorted(FINISHED))
def test_a_job_that_has_ended_can_have_no_further_parts(state: JobState) -> None:
    job = enqueue(part)
    Job.objects.filter(pk=job.pk).update(state=state)
    with pytest.raises(JobEnded):
        enqueue(part, parent=job)
    with pytest.raises(JobEnded):
        batch_of(1, parent=job)
    assert Job.objects.count() == 1


# The verbs

VERBS: dict[str, tuple[Callable[[Job], bool], RunBy, frozenset[JobState], JobState]] = {
    "hand_over": (
        lambda job: lease.hand_over(job, result=1),
        RunBy.BODY_THEN_CHILDREN,
        frozenset({JobState.RUNNING}),
        JobState.RUNNING,
    ),
    "end_batch": (
        lambda job: transitions.end_batch(job.pk, JobState.FAILED, text="t"),
        RunBy.CHILDREN,
        frozenset({JobState.RUNNING}),
        JobState.FAILED,
    ),
    "reopen": (
        lambda job: transitions.reopen(job.pk, text="t"),
        RunBy.CHILDREN,
        FINISHED,
        JobState.RUNNING,
    ),
}


@pytest.mark.parametrize("carrier", list(RunBy))
@pytest.mark.parametrize("state", list(JobState))
@pytest.mark.parametrize("verb", list(VERBS))
def test_a_verb_moves_only_its_kind_from_its_states(
    verb: str, state: JobState, carrier: RunBy
) -> None:
    move, kind, before, after = VERBS[verb]
    job = Job.objects.create(task="t", title="T", state=state, carrier=carrier)
    moved = move(job)
    job.refresh_from_db()
    assert moved is (carrier == kind and state in before)
    assert job.state == (after if moved else state)
    assert job.revision == job.events.count() == (1 if moved else 0)


def test_deleting_a_batch_deletes_its_jobs() -> None:
    batch_of(3).delete()
    assert not Job.objects.exists()
    assert not JobEvent.objects.exists()


def test_only_so_many_of_very_many_are_announced(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    batch = batch_of(700)
    heard: list[UUID] = []

    def hear(ids: list[UUID], **_: object) -> None:
        heard.extend(ids)

    jobs_changed.connect(hear)
    with django_capture_on_commit_callbacks(execute=True):
        cancel(batch)
    jobs_changed.disconnect(hear)
    assert len(set(heard)) == 501  # and the batch
    assert batch.pk in heard

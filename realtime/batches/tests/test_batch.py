import time
from collections.abc import Iterator
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from realtime.actions import cancel
from realtime.batches.batch import aenqueue_batch, enqueue_batch
from realtime.errors import BatchTooLarge
from realtime.jobs import lease
from realtime.jobs.reuse import hash_calls
from realtime.models import Job
from realtime.states import JobState, Visibility
from realtime.tests.support.batches import batch_of, child_task, children_of, rolled_up
from realtime.tests.support.people import user

pytestmark = pytest.mark.django_db


def test_a_batch_is_a_job_with_child_jobs() -> None:
    owner = user()
    batch = batch_of(3, owner=owner, visibility=Visibility.PUBLIC, subject_url="/many/")
    batch.refresh_from_db()
    assert (batch.state, batch.carrier, batch.total, batch.done) == ("running", "children", 3, 0)
    assert (batch.title, batch.owner, batch.subject_url) == ("Many", owner, "/many/")
    assert [job.args for job in children_of(batch)] == [[0], [1], [2]]
    for job in children_of(batch):
        assert (job.state, job.title, job.owner) == (JobState.QUEUED, "Child", owner)
        assert job.visibility == Visibility.PUBLIC
        assert job.events.get().state == JobState.QUEUED
    assert batch.events.get().text == "Made of 3 jobs"


def test_the_options_of_a_batch_contain_only_options_of_celery() -> None:
    batch = batch_of(2)
    batch.refresh_from_db()
    assert batch.options == {}
    assert batch.calls_hash == hash_calls(children_of(batch))


def test_calls_are_positional_or_by_name() -> None:
    batch = enqueue_batch(child_task, [[1], {"number": 2}, ()], title="Many")
    calls = [(job.args, job.kwargs) for job in children_of(batch)]
    assert calls == [([1], {}), ([], {"number": 2}), ([], {})]


@pytest.mark.parametrize("calls", [[(1,), (1, 2)], [(1,), (object(),)], [{"colour": 1}]])
def test_nothing_is_saved_if_one_call_is_invalid(calls: list[tuple[object, ...]]) -> None:
    with pytest.raises(Exception, match=r"argument|serializable"):
        enqueue_batch(child_task, calls, title="Many")
    assert not Job.objects.exists()


def test_the_children_are_published_after_the_commit_and_the_batch_never(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks, queued: list[UUID]
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        batch = batch_of(3)
        assert queued == []
    assert queued == [job.pk for job in children_of(batch)]


@pytest.mark.parametrize(("count", "allowed"), [(3, True), (4, True), (5, False)])
def test_a_batch_may_have_batch_max_jobs(settings: Settings, count: int, allowed: bool) -> None:
    settings.REALTIME_BATCH_MAX = 4
    if allowed:
        assert batch_of(count).children.count() == count
    else:
        with pytest.raises(BatchTooLarge, match="4 jobs are allowed"):
            batch_of(count)
        assert not Job.objects.exists()


def test_an_endless_iterable_of_calls_is_refused(settings: Settings) -> None:
    settings.REALTIME_BATCH_MAX = 4

    def endless() -> Iterator[tuple[int]]:
        while True:
            yield (1,)

    with pytest.raises(BatchTooLarge):
        enqueue_batch(child_task, endless(), title="Many")


def test_jobs_are_written_in_bulk(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(70):  # SQLite takes 999 values in one statement
        batch_of(1000)


@pytest.mark.once
def test_a_batch_of_ten_thousand_jobs_takes_seconds() -> None:
    start = time.process_time()
    batch = batch_of(10_000)
    assert rolled_up(batch).total == 10_000
    cancel(batch)
    batch.refresh_from_db()
    assert (batch.state, batch.counts) == (JobState.CANCELLED, {"cancelled": 10_000})
    assert time.process_time() - start < 60  # on a slow machine; quadratic time would be hours


@pytest.mark.django_db(transaction=True)
async def test_async_callers_can_enqueue_a_batch() -> None:
    batch = await aenqueue_batch(child_task, [(1,)], title="Many")
    assert await batch.children.acount() == 1


def test_a_batch_without_calls_succeeds() -> None:
    assert rolled_up(batch_of(0)).state == JobState.SUCCEEDED


def test_no_worker_can_claim_a_batch() -> None:
    assert lease.claim(batch_of(1).pk, worker="w") is None


def test_a_batch_cannot_be_ended_by_a_worker() -> None:
    batch = batch_of(1)
    assert not lease.finish(batch, result=1)
    assert not lease.fail(batch, code="c", error="e")
    assert not Job.objects.leased(batch).exists()


def test_an_inner_batch_has_the_owner_and_visibility_of_the_outer_one() -> None:
    outer = batch_of(1, owner=user(), visibility=Visibility.PUBLIC)
    inner = batch_of(1, parent=outer)
    other = batch_of(1, parent=outer, visibility=Visibility.PRIVATE, owner=user("other"))
    for batch in (inner, *children_of(inner)):
        assert (batch.owner, batch.visibility) == (outer.owner, Visibility.PUBLIC)
    assert (other.owner, other.visibility) == (
        User.objects.get(username="other"),
        Visibility.PRIVATE,
    )

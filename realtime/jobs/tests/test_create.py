from collections.abc import Callable
from uuid import uuid4

import pytest
from celery import shared_task
from django.db import transaction
from kombu.exceptions import EncodeError
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from realtime.batches.batch import enqueue_batch
from realtime.jobs.create import adopt, aenqueue, enqueue
from realtime.jobs.message import ADDRESS_MAX, TITLE_MAX
from realtime.models import Job, job_id_of
from realtime.signals import jobs_queued
from realtime.states import JobState, Visibility
from realtime.tasks import JobTask
from realtime.tests.support.people import user

pytestmark = pytest.mark.django_db


@shared_task(
    base=JobTask,
    name="test.add",
    title="Add two numbers",
    phases=(("Reading", 1), ("Adding", 2)),
    max_attempts=5,
)
def add(a: float, b: float = 0) -> float:
    return a + b


def test_a_job_has_the_fields_of_its_call_and_task() -> None:
    owner = user()
    job = enqueue(
        add,
        args=(1,),
        kwargs={"b": 2},
        owner=owner,
        visibility=Visibility.PUBLIC,
        subject_url="/sums/1/",
    )
    job.refresh_from_db()
    assert (job.task, job.title) == ("test.add", "Add two numbers")
    assert (job.args, job.kwargs) == ([1], {"b": 2})
    assert (job.owner, job.visibility, job.subject_url) == (owner, Visibility.PUBLIC, "/sums/1/")
    assert (job.state, job.attempt, job.max_attempts) == (JobState.QUEUED, 0, 5)
    assert job.queue == "celery"
    assert job.phases == [["Reading", "waiting"], ["Adding", "waiting"]]
    assert job.events.get().text == "Waiting"


def test_a_link_to_a_script_is_refused() -> None:
    with pytest.raises(ValueError, match="'javascript:x'"):
        enqueue(add, args=(1, 2), subject_url="javascript:x")
    assert not Job.objects.exists()


def test_a_call_overrides_the_visibility_of_its_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add.__class__, "visibility", Visibility.PUBLIC)
    assert enqueue(add, args=(1,)).visibility == Visibility.PUBLIC
    assert enqueue(add, args=(1,), visibility=Visibility.PRIVATE).visibility == Visibility.PRIVATE
    add.delay(1)
    assert Job.objects.filter(visibility=Visibility.PUBLIC).count() == 2


def test_a_call_overrides_the_title_of_its_task() -> None:
    assert enqueue(add, args=(1,), title="One and nothing").title == "One and nothing"


def test_arguments_that_do_not_fit_the_signature_are_refused() -> None:
    with pytest.raises(TypeError):
        enqueue(add, args=(1, 2, 3))
    assert not Job.objects.exists()


def test_an_argument_that_is_no_json_is_refused() -> None:
    with pytest.raises((EncodeError, TypeError)):
        enqueue(add, args=(object(),))
    assert not Job.objects.exists()


def test_a_job_costs_two_inserts(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(4):  # the job and its event, between the savepoint's two
        enqueue(add, args=(1,))


def test_a_rolled_back_job_is_neither_saved_nor_published(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def enqueue_and_fail() -> None:
        with transaction.atomic():
            enqueue(add, args=(1,))
            raise ZeroDivisionError

    with django_capture_on_commit_callbacks() as callbacks, pytest.raises(ZeroDivisionError):
        enqueue_and_fail()
    assert callbacks == []
    assert not Job.objects.exists()


def test_a_job_is_published_once_it_is_committed(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    published: list[object] = []
    receiver = lambda ids, **_: published.extend(ids)  # noqa: E731
    jobs_queued.connect(receiver, weak=False)
    try:
        with django_capture_on_commit_callbacks(execute=True):
            job = enqueue(add, args=(1,))
            assert published == []
    finally:
        jobs_queued.disconnect(receiver)
    assert published == [job.pk]


@pytest.mark.django_db(transaction=True)
async def test_async_callers_can_enqueue() -> None:
    job = await aenqueue(add, args=(1,))
    assert await Job.objects.filter(pk=job.pk).aexists()


def test_delay_creates_a_job_with_the_id_of_its_result() -> None:
    result = add.delay(1, b=2)
    job = Job.objects.get()
    assert str(job.pk) == result.id
    assert job.kwargs == {"b": 2}


@pytest.mark.parametrize("task_id", [str(uuid4()), "nightly"])
def test_the_callers_task_id_is_used(task_id: str) -> None:
    assert add.apply_async((1,), task_id=task_id).id == task_id
    assert Job.objects.get().pk == job_id_of(task_id)


def test_a_signature_is_tracked() -> None:
    add.s(1, b=2).apply_async()
    assert Job.objects.get().args == [1]


def test_a_message_without_a_row_is_adopted_once() -> None:
    task_id = str(uuid4())
    for _ in range(2):
        adopt(add, task_id, (1,), {}, queue="celery", options={})
    job = Job.objects.get()
    assert str(job.pk) == task_id
    assert job.published_at is not None


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_titles_are_cut_and_addresses_refused_where_they_are_too_long(more: int) -> None:
    title = "t" * (TITLE_MAX + more)
    cut = title if more <= 0 else title[: TITLE_MAX - 1] + "…"
    assert enqueue(add, args=(1,), title=title).title == cut
    assert enqueue_batch(add, [(1,)], title=title).title == cut
    address = "/" + "a" * (ADDRESS_MAX - 1 + more)
    calls: list[Callable[[], Job]] = [
        lambda: enqueue(add, args=(1,), subject_url=address),
        lambda: enqueue_batch(add, [(1,)], title="T", subject_url=address),
    ]
    for call in calls:
        if more > 0:
            with pytest.raises(ValueError, match="has up to 500 characters, not 501: '/aaa"):
                call()
        else:
            assert call().subject_url == address


def test_the_limits_of_titles_and_addresses_are_those_of_the_columns() -> None:
    sizes = {field.name: field.max_length for field in Job._meta.fields}
    assert (sizes["title"], sizes["subject_url"]) == (TITLE_MAX, ADDRESS_MAX)

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from celery import shared_task
from django.db import transaction
from django.utils import timezone
from kombu.exceptions import EncodeError
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks

from realtime.jobs.create import adopt, aenqueue, enqueue
from realtime.jobs.message import decode
from realtime.models import Job, job_id_of
from realtime.serialization import to_json_exact
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


def test_a_job_is_what_was_asked_for() -> None:
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
    assert (job.task, job.title, job.args, job.kwargs) == (
        "test.add",
        "Add two numbers",
        [1],
        {"b": 2},
    )
    assert (job.owner, job.visibility, job.subject_url) == (owner, Visibility.PUBLIC, "/sums/1/")
    assert (job.state, job.attempt, job.max_attempts, job.queue) == (
        JobState.QUEUED,
        0,
        5,
        "celery",
    )
    assert job.phases == [["Reading", "waiting"], ["Adding", "waiting"]]
    assert job.events.get().text == "Waiting"


def test_a_task_may_be_anyones_to_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(add.__class__, "visibility", Visibility.PUBLIC)
    assert enqueue(add, args=(1,)).visibility == Visibility.PUBLIC
    assert enqueue(add, args=(1,), visibility=Visibility.PRIVATE).visibility == Visibility.PRIVATE
    add.delay(1)
    assert Job.objects.filter(visibility=Visibility.PUBLIC).count() == 2


def test_a_title_of_its_own() -> None:
    assert enqueue(add, args=(1,), title="One and nothing").title == "One and nothing"


def test_arguments_that_do_not_fit_are_refused_and_nothing_is_saved() -> None:
    with pytest.raises(TypeError):
        enqueue(add, args=(1, 2, 3))
    assert not Job.objects.exists()


def test_an_argument_that_is_no_json_is_refused_and_nothing_is_saved() -> None:
    with pytest.raises((EncodeError, TypeError)):
        enqueue(add, args=(object(),))
    assert not Job.objects.exists()


def test_a_job_costs_one_insert_and_its_first_event(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(4):  # with the savepoint of a test's transaction
        enqueue(add, args=(1,))


def test_a_rolled_back_job_is_neither_saved_nor_published(
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    def undone() -> None:
        with transaction.atomic():
            enqueue(add, args=(1,))
            raise ZeroDivisionError

    with django_capture_on_commit_callbacks() as callbacks, pytest.raises(ZeroDivisionError):
        undone()
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
async def test_async_callers_get_their_job_too() -> None:
    job = await aenqueue(add, args=(1,))
    assert await Job.objects.filter(pk=job.pk).aexists()


def test_a_countdown_is_a_time() -> None:
    before = timezone.now()
    job = enqueue(add, args=(1,), countdown=60)
    assert job.due_at is not None
    assert timedelta(seconds=59) < job.due_at - before < timedelta(seconds=90)
    assert "countdown" not in job.options


def test_an_eta_is_kept_with_its_zone() -> None:
    eta = datetime(2030, 1, 1, tzinfo=UTC)
    assert enqueue(add, args=(1,), eta=eta).due_at == eta


def test_options_are_kept_for_the_broker() -> None:
    job = enqueue(add, args=(1,), queue="slow", priority=3)
    assert job.queue == "slow"
    assert job.options == {"queue": "slow", "priority": 3}


def test_a_priority_of_0_is_none_unless_the_task_has_another(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On Redis, Celery's `retry` asks for it."""
    assert enqueue(add, args=(1,), priority=0).options == {}
    monkeypatch.setattr(add, "priority", 5)
    assert enqueue(add, args=(1,), priority=0).options == {"priority": 0}


@pytest.mark.parametrize(
    "value",
    [1, "é", None, [1, {"a": []}], datetime(2026, 1, 1, tzinfo=UTC), date(2026, 1, 1), uuid4()],
)
def test_what_is_stored_is_sent_exactly(value: object) -> None:
    assert decode(to_json_exact(value)) == value


def test_a_decimal_is_sent_exactly() -> None:
    assert decode(to_json_exact(Decimal("1.10"))) == Decimal("1.10")


def test_delay_makes_a_job_of_the_same_id() -> None:
    result = add.delay(1, b=2)
    job = Job.objects.get()
    assert str(job.pk) == result.id
    assert job.kwargs == {"b": 2}


def test_a_task_id_of_the_callers_is_kept() -> None:
    task_id = str(uuid4())
    assert add.apply_async((1,), task_id=task_id).id == task_id
    assert str(Job.objects.get().pk) == task_id


def test_a_task_id_that_is_no_uuid_has_always_the_same_job_id() -> None:
    assert job_id_of("nightly") == job_id_of("nightly") != job_id_of("daily")
    assert add.apply_async((1,), task_id="nightly").id == "nightly"
    assert Job.objects.get().pk == job_id_of("nightly")


def test_a_signature_is_tracked_as_well() -> None:
    add.s(1, b=2).apply_async()
    assert Job.objects.get().args == [1]


def test_a_message_without_a_row_is_adopted_once() -> None:
    task_id = str(uuid4())
    for _ in range(2):
        adopt(add, task_id, (1,), {}, queue="celery")
    job = Job.objects.get()
    assert str(job.pk) == task_id
    assert job.published_at is not None


@pytest.mark.parametrize("kind", [int, float, datetime])
def test_an_expiry_is_a_time(kind: type) -> None:
    moment = timezone.now() + timedelta(seconds=60)
    job = enqueue(add, args=(1,), expires=moment if kind is datetime else kind(60))
    assert job.expires_at is not None
    assert "expires" not in job.options, "Celery would drop the job for hours."
    assert abs(job.expires_at - timezone.now() - timedelta(seconds=60)) < timedelta(seconds=30)

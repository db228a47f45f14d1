from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from celery import shared_task
from celery.signals import before_task_publish
from django.utils import timezone
from kombu import Producer
from kombu.exceptions import OperationalError

from realtime.jobs import lease, outbox
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.states import JobState
from realtime.tasks import JobTask

pytestmark = pytest.mark.django_db


@shared_task(base=JobTask, name="test.outbox")
def task(*args: Any, **kwargs: Any) -> None:
    pass


class Broker:
    """Replaces `send_task`, the last call of Celery before kombu."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.down_after: int | None = None

    def send_task(self, name: str, args: Any = None, kwargs: Any = None, **options: Any) -> None:
        if self.down_after is not None and len(self.sent) >= self.down_after:
            raise OperationalError("down") from ConnectionRefusedError()
        self.sent.append({"name": name, "args": args, "kwargs": kwargs, **options})


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Broker:
    broker = Broker()
    monkeypatch.setattr(task.app, "send_task", broker.send_task)
    return broker


def test_a_message_has_the_arguments_and_options_of_its_call(broker: Broker) -> None:
    moment = timezone.now()
    job = enqueue(task, args=(1, moment), kwargs={"a": [2]}, priority=3, queue="slow")
    outbox.publish([job.pk])
    (sent,) = broker.sent
    assert (sent["name"], sent["task_id"]) == ("test.outbox", str(job.pk))
    assert (sent["args"], sent["kwargs"]) == ([1, moment], {"a": [2]})
    assert (sent["priority"], sent["queue"], sent["retry"]) == (3, "slow", False)


def test_a_published_job_is_not_published_again(broker: Broker) -> None:
    job = enqueue(task)
    outbox.publish([job.pk])
    outbox.publish([job.pk])
    assert len(broker.sent) == 1
    job.refresh_from_db()
    assert job.published_at is not None


def test_jobs_after_a_failure_stay_unpublished(broker: Broker) -> None:
    jobs = [enqueue(task) for _ in range(3)]
    broker.down_after = 1
    with pytest.raises(outbox.BrokerDown):
        outbox.publish([job.pk for job in jobs])
    published = Job.objects.exclude(published_at=None)
    assert list(published) == jobs[:1]


@pytest.mark.parametrize("state", [JobState.RUNNING, JobState.CANCELLED, JobState.SUCCEEDED])
def test_a_job_that_does_not_wait_is_not_published(broker: Broker, state: JobState) -> None:
    job = enqueue(task)
    Job.objects.update(state=state)
    outbox.publish([job.pk])
    assert broker.sent == []


@pytest.mark.parametrize(("seconds", "sent"), [(59, True), (65, False)])
def test_a_job_is_published_shortly_before_it_is_due(
    broker: Broker, seconds: int, sent: bool
) -> None:
    job = enqueue(task, countdown=seconds)
    outbox.publish([job.pk])
    assert bool(broker.sent) is sent
    if sent:
        assert broker.sent[0]["eta"] == job.due_at


@pytest.mark.parametrize("fast_by", [-300, 300])
def test_due_times_go_by_the_database_clock(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, fast_by: int
) -> None:
    now = timezone.now()
    soon, later = enqueue(task, countdown=30), enqueue(task, countdown=90)
    monkeypatch.setattr(timezone, "now", lambda: now + timedelta(seconds=fast_by))
    outbox.publish([soon.pk, later.pk])
    assert [sent["task_id"] for sent in broker.sent] == [str(soon.pk)]
    soon.refresh_from_db()
    assert soon.published_at
    assert abs(soon.published_at - now) < timedelta(seconds=200)


def test_a_job_that_changed_during_the_publish_is_not_marked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = enqueue(task)

    def claim_and_retry(*args: Any, **options: Any) -> None:
        claimed = lease.claim(job.pk, worker="w")
        assert claimed
        lease.retry_later(claimed, due_at=timezone.now() + timedelta(hours=1), error="")

    monkeypatch.setattr(task.app, "send_task", claim_and_retry)
    outbox.publish([job.pk])
    job.refresh_from_db()
    assert job.published_at is None


def test_an_unregistered_task_is_published_by_name(broker: Broker) -> None:
    job = Job.objects.create(task="of.another.service", title="T", queue="theirs")
    outbox.publish([job.pk])
    assert (broker.sent[0]["name"], broker.sent[0]["queue"]) == ("of.another.service", "theirs")


def test_an_unpublishable_job_fails_and_does_not_stop_the_others(
    broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = enqueue(task, args=("bad",)), enqueue(task, args=("good",))

    def send_task(name: str, args: Any = None, kwargs: Any = None, **options: Any) -> None:
        if args == ["bad"]:
            raise ValueError("a queue of no exchange")
        broker.send_task(name, args, kwargs, **options)

    monkeypatch.setattr(task.app, "send_task", send_task)
    outbox.publish([bad.pk, good.pk])
    bad.refresh_from_db()
    assert (bad.state, bad.error_code) == (JobState.FAILED, "unpublishable")
    assert [sent["args"] for sent in broker.sent] == [["good"]]


def test_messages_have_no_expiry(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker would remember the id of an expired message and drop the job's next one."""
    without, from_call = enqueue(task), enqueue(task, expires=60)
    monkeypatch.setattr(task, "expires", 30)
    from_task = enqueue(task)
    outbox.publish([without.pk, from_call.pk, from_task.pk])
    assert [sent["expires"] for sent in broker.sent] == [None, None, None]
    assert without.expires_at is None
    for job, seconds in ((from_call, 60), (from_task, 30)):
        assert job.expires_at
        assert 0 < (job.expires_at - timezone.now()).total_seconds() <= seconds


@pytest.fixture
def headers(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[dict[str, Any]]]:
    """The headers of the messages that are published; none reaches a broker."""
    monkeypatch.setattr(Producer, "publish", lambda *args, **options: None)
    published: list[dict[str, Any]] = []

    def record(headers: dict[str, Any], **_: Any) -> None:
        published.append(headers)

    before_task_publish.connect(record)
    yield published
    before_task_publish.disconnect(record)


@pytest.mark.parametrize("of_task", [True, False])
@pytest.mark.parametrize("of_call", [True, False, None])
def test_the_call_or_else_the_task_decides_whether_the_result_is_ignored(
    headers: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    of_task: bool,
    of_call: bool | None,
) -> None:
    monkeypatch.setattr(task, "ignore_result", of_task)
    options: dict[str, Any] = {} if of_call is None else {"ignore_result": of_call}
    outbox.publish([enqueue(task, **options).pk])
    assert [each["ignore_result"] for each in headers] == [of_task if of_call is None else of_call]


def test_a_worker_decides_for_a_task_that_is_not_registered_here(
    headers: list[dict[str, Any]],
) -> None:
    outbox.publish([Job.objects.create(task="of.another.service", title="T", queue="theirs").pk])
    assert [each["ignore_result"] for each in headers] == [None]


def test_a_publish_does_not_use_the_result_backend(
    headers: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        pytest.fail("It would subscribe to a result that nobody waits for.")

    monkeypatch.setattr(task.app.backend, "on_task_call", refuse)
    outbox.publish([enqueue(task, ignore_result=False).pk])
    assert len(headers) == 1


def test_headers_stamps_and_ids_of_a_call_are_in_its_message(
    headers: list[dict[str, Any]],
) -> None:
    job = enqueue(
        task,
        headers={"tenant": "north"},
        stamped_headers=["customer"],
        customer="ada",
        root_id="root",
        parent_id="parent",
        group_id="group",
        group_index=2,
        replaced_task_nesting=1,
        shadow="another name",
    )
    outbox.publish([job.pk])
    (published,) = headers
    assert published["tenant"] == "north"
    assert (published["stamps"], published["stamped_headers"]) == (
        {"customer": "ada"},
        ["customer"],
    )
    assert (published["root_id"], published["parent_id"]) == ("root", "parent")
    assert (published["group"], published["group_index"]) == ("group", 2)
    assert (published["replaced_task_nesting"], published["shadow"]) == (1, "another name")


def test_the_outbox_alone_decides_about_retries_of_a_publish(broker: Broker) -> None:
    """A retry would hold up all the jobs behind this one."""
    outbox.publish([enqueue(task, retry=True, add_to_parent=True).pk])
    assert (broker.sent[0]["retry"], broker.sent[0]["add_to_parent"]) == (False, False)

"""Jobs that a real broker refuses."""

from typing import Any

import pytest
from amqp.exceptions import RecoverableConnectionError
from celery import shared_task
from kombu import Producer
from kombu.exceptions import OperationalError
from redis.exceptions import ResponseError

from realtime.jobs import broker_check, outbox
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.tests.support.valkey import Valkey

pytestmark = pytest.mark.django_db


@shared_task(base=JobTask, name="test.outbox.refusals")
def task() -> None:
    pass


def publish(*jobs: Job) -> list[bool]:
    """Publish these jobs; returns which of them are published."""
    outbox.publish([job.pk for job in jobs])
    return [Job.objects.get(pk=job.pk).published_at is not None for job in jobs]


@pytest.mark.parametrize(
    "options",
    [
        {"compression": "nope"},
        {"serializer": "nope"},
        {"queue": "not-a-list"},
        {"expiration": "soon"},
    ],
)
def test_a_job_that_the_broker_never_takes_fails_and_holds_up_no_other(
    valkey: Valkey, options: dict[str, Any]
) -> None:
    with valkey.client() as client:
        client.set("not-a-list", "a text")
    refused = [enqueue(task, **options) for _ in range(3)]
    good = enqueue(task, queue="refusals")
    assert publish(*refused, good) == [False, False, False, True]
    for job in refused:
        job.refresh_from_db()
        assert (job.state, job.error_code) == (JobState.FAILED, "unpublishable")
        assert job.error == outbox.UNPUBLISHABLE


def test_a_job_that_is_refused_alone_fails(valkey: Valkey) -> None:
    job = enqueue(task, compression="nope")
    publish(job)
    job.refresh_from_db()
    assert job.state == JobState.FAILED


def test_jobs_wait_while_the_broker_takes_no_message(valkey: Valkey) -> None:
    jobs = [enqueue(task, queue="refusals") for _ in range(2)]
    with valkey.client() as client:
        client.config_set("maxmemory", "1")
        try:
            with pytest.raises(outbox.BrokerDown, match="maxmemory"):
                publish(*jobs)
        finally:
            client.config_set("maxmemory", "0")
    assert set(Job.objects.values_list("state", flat=True)) == {JobState.QUEUED}
    assert publish(*jobs) == [True, True]


def test_a_job_waits_if_the_broker_stops_answering_before_its_second_try(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    causes = iter([ResponseError("OOM"), ConnectionResetError("gone")])

    def send_task(*args: Any, **options: Any) -> None:
        raise OperationalError("refused") from next(causes)

    monkeypatch.setattr(task.app, "send_task", send_task)
    job = enqueue(task)
    with pytest.raises(outbox.BrokerDown):
        publish(job)
    job.refresh_from_db()
    assert job.state == JobState.QUEUED


def test_one_job_that_is_refused_like_the_check_holds_up_no_other(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rules of the broker may allow certain queues only, so not that of the check."""
    monkeypatch.setattr(outbox, "takes_messages", lambda: False)
    with valkey.client() as client:
        client.set("not-a-list", "a text")
    bad, good = enqueue(task, queue="not-a-list"), enqueue(task, queue="refusals")
    with pytest.raises(outbox.BrokerRefuses):
        publish(bad)
    assert publish(bad, good) == [False, True]
    bad.refresh_from_db()
    assert bad.state == JobState.FAILED


def test_the_last_job_waits_if_the_broker_became_full_before_it(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outbox, "takes_messages", lambda: False)
    send, sent = task.app.send_task, list[Any]()

    def send_first(*args: Any, **options: Any) -> Any:
        if sent:
            raise OperationalError("refused") from ResponseError("OOM")
        sent.append(send(*args, **options))

    monkeypatch.setattr(task.app, "send_task", send_first)
    jobs = [enqueue(task, queue="refusals") for _ in range(2)]
    with pytest.raises(outbox.BrokerRefuses):
        publish(*jobs)
    for job in jobs:
        job.refresh_from_db()
    assert [job.published_at is not None for job in jobs] == [True, False]
    assert {job.state for job in jobs} == {JobState.QUEUED}


def test_the_second_try_uses_a_new_channel(valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """RabbitMQ closes the channel by which it has got a message that it refuses."""
    with task.app.producer_or_acquire() as producer:
        closed = producer.channel
    send = Producer._publish

    def publish_unless_closed(self: Producer, *args: Any, **options: Any) -> Any:
        if self.channel is closed:
            raise RecoverableConnectionError("the channel is closed")
        return send(self, *args, **options)

    monkeypatch.setattr(Producer, "_publish", publish_unless_closed)
    assert publish(enqueue(task, queue="refusals"), enqueue(task, queue="refusals")) == [True, True]


def test_the_check_leaves_nothing_in_the_broker(valkey: Valkey) -> None:
    with valkey.client() as client:
        assert broker_check.takes_messages()
        assert client.keys("realtime.check*") == []

import os
import threading
import time
from uuid import UUID, uuid4

import pytest
from celery import shared_task

from realtime.bus.bus import bus
from realtime.channel_layer.messages import OPERATORS_GROUP
from realtime.jobs.create import aenqueue, enqueue
from realtime.models import Job
from realtime.tasks import JobTask
from realtime.tests.support.layer_messages import messages_of
from realtime.tests.support.polling import until
from realtime.tests.support.valkey import Valkey

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

TIMEOUT_SECONDS = 60


@shared_task(base=JobTask, name="test.bus")
def task() -> None:
    pass


def wait_until_published(job: Job) -> None:
    published = Job.objects.exclude(published_at=None).filter(pk=job.pk)
    until(published.exists, within=TIMEOUT_SECONDS, what="the job is published")


def test_a_committed_job_is_published() -> None:
    job = enqueue(task)
    wait_until_published(job)


def publishing_has_failed(caplog: pytest.LogCaptureFixture) -> bool:
    return any(line.startswith("Cannot publish ") for line in caplog.messages)


def test_a_job_is_published_when_the_broker_is_back(
    valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    valkey.kill()
    try:
        job = enqueue(task)
        until(
            lambda: publishing_has_failed(caplog),
            within=TIMEOUT_SECONDS,
            what="the broker is found down",
        )
        assert Job.objects.get().published_at is None
    finally:
        valkey.start()
    wait_until_published(job)


def test_enqueue_does_not_wait_for_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    released, has_begun = threading.Event(), threading.Event()

    def hang(ids: list[UUID]) -> None:
        has_begun.set()
        assert released.wait(TIMEOUT_SECONDS)

    monkeypatch.setattr("realtime.jobs.outbox.publish", hang)
    try:
        enqueue(task)
        assert has_begun.wait(TIMEOUT_SECONDS)
    finally:
        released.set()


async def test_operators_receive_a_new_job() -> None:
    async with messages_of(OPERATORS_GROUP) as receive:
        job = await aenqueue(task)
        while job.pk.hex not in (message := await receive())["jobs"]:
            pass  # a job of another test
    assert list(message["jobs"]) == [job.pk.hex]


# Python 3.12 warns about a fork of a process with threads, which is tested here.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_process_has_its_own_bus() -> None:
    parent_bus = bus()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.write(writer, b"own" if bus() is not parent_bus else b"the parent's")
        finally:  # The child process must never go on with the tests.
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"own"


def test_an_id_without_a_job_is_ignored() -> None:
    bus().send_snapshots([uuid4()])
    bus().publish([uuid4()])
    job = enqueue(task)
    wait_until_published(job)


def test_draining_does_not_wait_for_a_broker_that_is_down(valkey: Valkey) -> None:
    valkey.kill()
    try:
        enqueue(task)
        began = time.monotonic()
        bus().drain(2 * TIMEOUT_SECONDS)
        assert time.monotonic() - began < TIMEOUT_SECONDS
    finally:
        valkey.start()

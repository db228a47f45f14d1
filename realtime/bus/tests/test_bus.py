"""The bus with a real Valkey: what it sends, and what it does when nobody answers."""

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from asgiref.sync import sync_to_async
from celery import shared_task
from channels.layers import get_channel_layer
from django.utils import timezone
from pytest_django import Settings

from realtime.actions import cancel
from realtime.bus.bus import bus
from realtime.bus.pending import PendingIds
from realtime.channel_layer.messages import OPERATORS_GROUP, group
from realtime.errors import Cancelled, LeaseLost
from realtime.jobs import lease
from realtime.jobs.create import aenqueue, enqueue
from realtime.models import Job, Worker
from realtime.progress.progress import Progress
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.tests.support.polling import until
from realtime.tests.support.valkey import Valkey

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

PATIENCE = 60
"""Seconds; far more than any of it takes, and far less than for ever."""


@shared_task(base=JobTask, name="test.bus")
def task() -> None:
    pass


@asynccontextmanager
async def listening(name: str) -> AsyncIterator[Any]:
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.group_add(name, channel)

    async def hear() -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            return dict(await layer.receive(channel))

    yield hear
    await layer.flush()


async def heard_within(seconds: float, hear: Any) -> list[dict[str, Any]]:
    messages = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                messages.append(await hear())
    except TimeoutError:
        return messages


def claimed() -> Progress:
    job = Job.objects.create(task="t", title="T", queue="celery")
    found = lease.claim(job.pk, worker="w")
    assert found
    return Progress(found)


def test_a_committed_job_is_published() -> None:
    job = enqueue(task)
    until(
        lambda: Job.objects.exclude(published_at=None).filter(pk=job.pk).exists(),
        within=PATIENCE,
        what="the job is published",
    )


def has_failed(caplog: pytest.LogCaptureFixture) -> bool:
    return any(line.startswith("not published: ") for line in caplog.messages)


def test_a_job_that_finds_the_broker_down_is_published_when_it_is_back(
    valkey: Valkey, caplog: pytest.LogCaptureFixture
) -> None:
    valkey.kill()
    try:
        job = enqueue(task)
        until(lambda: has_failed(caplog), within=PATIENCE, what="the broker is found down")
        assert Job.objects.get().published_at is None
    finally:
        valkey.start()
    until(
        lambda: Job.objects.exclude(published_at=None).filter(pk=job.pk).exists(),
        within=PATIENCE,
        what="the job is published",
    )


def test_whoever_enqueues_does_not_wait_for_the_broker(monkeypatch: pytest.MonkeyPatch) -> None:
    free, tried = threading.Event(), threading.Event()

    def hang(ids: list[UUID]) -> None:
        tried.set()
        assert free.wait(PATIENCE)

    monkeypatch.setattr("realtime.jobs.outbox.publish", hang)
    try:
        enqueue(task)
        assert tried.wait(PATIENCE)
    finally:
        free.set()


async def test_operators_hear_of_a_new_job() -> None:
    async with listening(OPERATORS_GROUP) as hear:
        job = await aenqueue(task)
        while job.pk.hex not in (message := await hear())["jobs"]:
            pass  # another test's
    assert list(message["jobs"]) == [job.pk.hex]


async def test_watchers_hear_of_progress_the_newest_only() -> None:
    progress = await sync_to_async(claimed)()
    async with listening(group(progress.job.pk)) as hear:
        bus().follow(progress)
        for _ in range(1000):
            progress.advance()
        message = await hear()
        while '"done":1000' not in message["public"]:
            message = await hear()
        bus().unfollow(progress)
    assert message["tick"] <= 100  # of a thousand changes


async def test_what_does_not_change_is_not_sent_again(settings: Settings) -> None:
    settings.REALTIME_SNAPSHOT_INTERVAL = 0.01
    progress = await sync_to_async(claimed)()
    async with listening(group(progress.job.pk)) as hear:
        bus().follow(progress)
        while (await hear())["tick"] == 0:
            pass  # the claim's own announcement
        later = await heard_within(0.5, hear)
        bus().unfollow(progress)
    assert [message["tick"] for message in later if message["tick"]] == []


async def test_what_comes_in_the_wake_of_a_change_goes_together() -> None:
    sent: list[list[UUID]] = []
    twice = asyncio.Event()

    async def send(ids: list[UUID]) -> None:
        sent.append(ids)
        if len(sent) == 2:
            twice.set()

    first, second, third = (uuid4() for _ in range(3))
    wanted = PendingIds(asyncio.get_running_loop(), send, "test", pause=3.0)
    running = asyncio.create_task(wanted.run())
    async with asyncio.timeout(PATIENCE):
        for job_id in (first, second, third):
            wanted.add([job_id])
            for _ in range(5):  # turns of the loop, in which each would leave alone
                await asyncio.sleep(0)
        await twice.wait()
    running.cancel()
    assert sent == [[first], [second, third]]


def test_progress_is_saved_while_it_runs(settings: Settings) -> None:
    settings.REALTIME_PERSIST_INTERVAL = 0.1
    progress = claimed()
    bus().follow(progress)
    progress.advance(7)
    progress.item("1", "new")
    saved = Job.objects.filter(done=7, items__outcome="new")
    until(saved.exists, within=PATIENCE, what="progress is saved")
    bus().unfollow(progress)


def test_a_run_whose_lease_is_gone_is_stopped(settings: Settings) -> None:
    settings.REALTIME_PERSIST_INTERVAL = 0.1
    progress = claimed()
    bus().follow(progress)
    Job.objects.update(attempt=2)

    def is_stopped() -> bool:
        try:
            progress.advance()
        except LeaseLost:
            return True
        return False

    until(is_stopped, within=PATIENCE, what="the zombie is stopped")
    bus().unfollow(progress)


def seconds_of(progress: Progress, key: str) -> float:
    began = time.monotonic()
    progress.advance()
    progress.item(key, "new")
    return time.monotonic() - began


def test_a_frozen_redis_costs_a_task_nothing(valkey: Valkey, settings: Settings) -> None:
    settings.REALTIME_LAYER_TIMEOUT = PATIENCE
    progress = claimed()
    bus().follow(progress)
    valkey.freeze()
    try:
        took = [seconds_of(progress, str(number)) for number in range(10_000)]
    finally:
        valkey.thaw()
        bus().unfollow(progress)
    # No two calls waited for the layer, which gives up after 5 s; one the machine may hold up.
    assert sorted(took)[-2] < 4


def test_a_worker_that_beats_is_up() -> None:
    bus().beat("celery@here")
    until(Worker.objects.up().exists, within=PATIENCE, what="the worker is up")


# Python 3.12 warns of what is tested here: threads do not survive a fork.
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_forked_child_has_a_bus_of_its_own() -> None:
    parents = bus()
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        try:
            os.write(writer, b"own" if bus() is not parents else b"the parent's")
        finally:  # whatever happens, the child must not go on with the tests
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as pipe:
        assert pipe.read() == b"own"


def test_an_id_that_is_no_job_disturbs_nobody() -> None:
    bus().announce([uuid4()])
    bus().publish([uuid4()])
    job = enqueue(task)
    until(
        lambda: Job.objects.exclude(published_at=None).filter(pk=job.pk).exists(),
        within=PATIENCE,
        what="the job is published",
    )


def test_a_run_that_is_to_be_cancelled_is_told(settings: Settings) -> None:
    settings.REALTIME_CANCEL_INTERVAL = 0.05
    progress = claimed()
    bus().follow(progress)
    cancel(progress.job)

    def is_told() -> bool:
        try:
            progress.advance()
        except Cancelled:
            return True
        return False

    until(is_told, within=PATIENCE, what="the run is told to end")
    bus().unfollow(progress)


def test_a_job_whose_process_was_killed_for_its_time_has_failed() -> None:
    mine, taken_over = claimed(), claimed()
    Job.objects.filter(pk=taken_over.job.pk).update(worker="celery@elsewhere")
    bus().beat(mine.job.worker)
    for progress in (taken_over, mine):
        bus().kill(progress.job.pk, "It was stopped: it took over 2 s.")
    failed = Job.objects.filter(state=JobState.FAILED, error__contains="2 s")
    until(failed.exists, within=PATIENCE, what="the job has failed")
    assert failed.get() == mine.job


def test_a_workers_beat_recovers_what_is_left_behind(settings: Settings) -> None:
    settings.REALTIME_RECOVER_INTERVAL = 0.01
    job = claimed().job
    long_ago = timezone.now() - timedelta(minutes=1)
    Job.objects.update(heartbeat_at=long_ago)
    Worker.objects.create(name="celery@here", steady_since=long_ago)

    def is_queued_again() -> bool:
        bus().beat("celery@here")
        return Job.objects.filter(pk=job.pk, losses=1, state=JobState.QUEUED).exists()

    until(is_queued_again, within=PATIENCE, what="the job is rescued")


def test_the_end_of_a_process_does_not_wait_for_a_broker_that_is_down(
    valkey: Valkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("realtime.bus.bus.DRAIN_SECONDS", 2 * PATIENCE)
    valkey.kill()
    try:
        enqueue(task)
        began = time.monotonic()
        bus().drain()
        assert time.monotonic() - began < PATIENCE
    finally:
        valkey.start()

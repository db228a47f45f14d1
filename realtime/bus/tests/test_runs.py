import asyncio
import math
import time
from datetime import timedelta
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from celery import shared_task
from django.utils import timezone
from pytest_django import Settings

from realtime.actions import cancel
from realtime.bus.bus import bus
from realtime.bus.runs import RunningJobs
from realtime.channel_layer.messages import JobMessage, group
from realtime.errors import Cancelled, LeaseLost, Stopped
from realtime.jobs import lease
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.progress.progress import Progress
from realtime.tasks import JobTask
from realtime.tests.support.claimed_progress import claimed_progress
from realtime.tests.support.layer_messages import messages_of
from realtime.tests.support.polling import until
from realtime.tests.support.valkey import Valkey
from realtime.threads import SerialThread

TIMEOUT_SECONDS = 60


def with_bus(test: Any) -> Any:
    """Give the test the bus of this process, with a real Valkey."""
    return pytest.mark.usefixtures("valkey")(pytest.mark.django_db(transaction=True)(test))


@shared_task(base=JobTask, name="test.runs.free")
def free() -> None:
    pass


async def run_ready_tasks() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_no_progress_of_a_brief_run_is_sent(settings: Settings) -> None:
    settings.REALTIME_SNAPSHOT_INTERVAL = 3.0  # `brief` has ended by then on any machine
    sent: list[JobMessage] = []
    first = asyncio.Event()

    async def send(message: JobMessage) -> None:
        sent.append(message)
        first.set()

    thread = SerialThread("test")
    runs = RunningJobs(thread, send=send)
    sending = asyncio.create_task(runs.send_snapshots())
    brief, long = (Progress(Job(title="T", queued_at=timezone.now())) for _ in range(2))
    runs.add(brief, asyncio.get_running_loop())
    runs.add(long, asyncio.get_running_loop())
    await run_ready_tasks()
    runs.remove(brief)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await first.wait()
    await run_ready_tasks()
    sending.cancel()
    thread.close()
    assert [message["id"] for message in sent] == [long.job.pk.hex]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "value"), [("total", math.inf), ("done", 10**30)])
def test_a_run_whose_progress_cannot_be_saved_keeps_its_lease(name: str, value: Any) -> None:
    job = enqueue(free)
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    progress = Progress(claimed)
    fields = progress.fields() | {name: value}
    progress.fields = lambda: fields  # type: ignore[method-assign]
    thread = SerialThread("test")
    runs = RunningJobs(thread)

    async def save() -> None:
        runs.add(progress, asyncio.get_running_loop())
        await runs.save_run(progress)

    asyncio.run(save())
    assert Job.objects.filter(heartbeat_at__gt=timezone.now() - timedelta(seconds=30)).exists()
    progress.check()
    Job.objects.update(attempt=2)
    asyncio.run(save())
    thread.close()
    with pytest.raises(LeaseLost):
        progress.check()


@pytest.mark.django_db(transaction=True)
async def test_a_run_that_cannot_be_sent_or_saved_does_not_affect_others(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REALTIME_SNAPSHOT_INTERVAL = settings.REALTIME_PERSIST_INTERVAL = 0.01
    loop, has_sent, has_saved = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    broken, sound = (Progress(Job(title="T", queued_at=timezone.now())) for _ in range(2))

    async def send(message: JobMessage) -> None:
        has_sent.set()

    def fail() -> bool:
        raise OverflowError

    def save() -> bool:
        loop.call_soon_threadsafe(has_saved.set)
        return True

    monkeypatch.setattr(broken, "fields", fail)
    monkeypatch.setattr(broken, "save", fail)
    monkeypatch.setattr(sound, "save", save)
    thread = SerialThread("test")
    runs = RunningJobs(thread, send=send)
    for progress in (broken, sound):
        runs.add(progress, loop)
    loops = [asyncio.create_task(runs.send_snapshots()), asyncio.create_task(runs.save_progress())]
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await has_sent.wait()
        await has_saved.wait()
    assert not any(task.done() for task in loops)
    for task in loops:
        task.cancel()
    thread.close()
    assert "A snapshot of job" in caplog.text
    assert "The progress of job" in caplog.text


async def received_within(seconds: float, receive: Any) -> list[dict[str, Any]]:
    messages = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                messages.append(await receive())
    except TimeoutError:
        return messages


@with_bus
async def test_viewers_receive_only_the_newest_progress() -> None:
    progress = await sync_to_async(claimed_progress)()
    async with messages_of(group(progress.job.pk)) as receive:
        bus().add_run(progress)
        for _ in range(1000):
            progress.advance()
        message = await receive()
        while '"done":1000' not in message["public"]:
            message = await receive()
        bus().remove_run(progress)
    assert message["tick"] <= 100  # of a thousand changes


@with_bus
async def test_unchanged_progress_is_not_sent_again(settings: Settings) -> None:
    settings.REALTIME_SNAPSHOT_INTERVAL = 0.01
    progress = await sync_to_async(claimed_progress)()
    async with messages_of(group(progress.job.pk)) as receive:
        bus().add_run(progress)
        while (await receive())["tick"] == 0:
            pass  # the snapshot of the claim
        later = await received_within(0.5, receive)
        bus().remove_run(progress)
    assert [message["tick"] for message in later if message["tick"]] == []


@with_bus
def test_progress_is_saved_while_it_runs(settings: Settings) -> None:
    settings.REALTIME_PERSIST_INTERVAL = 0.1
    progress = claimed_progress()
    bus().add_run(progress)
    progress.advance(7)
    progress.item("1", "new")
    saved = Job.objects.filter(done=7, items__outcome="new")
    until(saved.exists, within=TIMEOUT_SECONDS, what="progress is saved")
    bus().remove_run(progress)


def is_stopped(progress: Progress, reason: type[Stopped]) -> bool:
    try:
        progress.check()
    except reason:
        return True
    return False


@with_bus
def test_a_run_that_has_lost_its_lease_is_stopped(settings: Settings) -> None:
    settings.REALTIME_PERSIST_INTERVAL = 0.1
    progress = claimed_progress()
    bus().add_run(progress)
    Job.objects.update(attempt=2)

    until(
        lambda: is_stopped(progress, LeaseLost), within=TIMEOUT_SECONDS, what="the run is stopped"
    )
    bus().remove_run(progress)


def seconds_of(progress: Progress, key: str) -> float:
    began = time.monotonic()
    progress.advance()
    progress.item(key, "new")
    return time.monotonic() - began


@with_bus
def test_a_frozen_redis_costs_a_task_nothing(valkey: Valkey, settings: Settings) -> None:
    settings.REALTIME_LAYER_TIMEOUT = TIMEOUT_SECONDS
    progress = claimed_progress()
    bus().add_run(progress)
    valkey.freeze()
    try:
        durations = [seconds_of(progress, str(number)) for number in range(10_000)]
    finally:
        valkey.thaw()
        bus().remove_run(progress)
    # The layer gives up after 5 s. A busy machine may delay one call, but not two.
    assert sorted(durations)[-2] < 4


@with_bus
def test_a_run_with_a_cancel_request_is_stopped(settings: Settings) -> None:
    settings.REALTIME_CANCEL_INTERVAL = 0.05
    progress = claimed_progress()
    bus().add_run(progress)
    cancel(progress.job)

    until(
        lambda: is_stopped(progress, Cancelled), within=TIMEOUT_SECONDS, what="the run is stopped"
    )
    bus().remove_run(progress)

import asyncio
import math
from datetime import timedelta
from typing import Any

import pytest
from celery import shared_task
from django.utils import timezone
from pytest_django import Settings

from realtime.bus.runs import RunningJobs
from realtime.channel_layer import messages
from realtime.channel_layer.messages import JobMessage
from realtime.errors import LeaseLost
from realtime.jobs import lease
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.progress.progress import Progress
from realtime.tasks import JobTask
from realtime.threads import SerialThread


@shared_task(base=JobTask, name="test.follow.free")
def free() -> None:
    pass


async def turns(number: int = 5) -> None:
    """So many turns of the loop, in which whatever can run runs."""
    for _ in range(number):
        await asyncio.sleep(0)


async def test_of_a_run_that_ends_at_once_no_progress_is_shown(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REALTIME_SNAPSHOT_INTERVAL = 3.0  # `brief` has ended by then on any machine
    shown: list[JobMessage] = []
    first = asyncio.Event()

    async def send(message: JobMessage) -> None:
        shown.append(message)
        first.set()

    monkeypatch.setattr(messages, "send_job", send)
    hand = SerialThread("test")
    followed = RunningJobs(hand)
    showing = asyncio.create_task(followed.show())
    brief, longer = (Progress(Job(title="T", queued_at=timezone.now())) for _ in range(2))
    followed.add(brief, asyncio.get_running_loop())
    followed.add(longer, asyncio.get_running_loop())
    await turns()
    followed.remove(brief)
    async with asyncio.timeout(60):
        await first.wait()
    await turns()
    showing.cancel()
    hand.close()
    assert [message["id"] for message in shown] == [longer.job.pk.hex]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("name", "value"), [("total", math.inf), ("done", -1), ("done", 10**30)])
def test_a_run_whose_progress_cannot_be_saved_keeps_its_job(name: str, value: Any) -> None:
    job = enqueue(free)
    claimed = lease.claim(job.pk, worker="w")
    assert claimed
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=1))
    progress = Progress(claimed)
    setattr(progress, name, value)
    hand = SerialThread("test")
    followed = RunningJobs(hand)

    async def save() -> None:
        followed.add(progress, asyncio.get_running_loop())
        await followed._save(progress)

    asyncio.run(save())
    assert Job.objects.filter(heartbeat_at__gt=timezone.now() - timedelta(seconds=30)).exists()
    progress.check()
    Job.objects.update(attempt=2)
    asyncio.run(save())
    hand.close()
    with pytest.raises(LeaseLost):
        progress.check()


@pytest.mark.django_db(transaction=True)
async def test_a_run_that_cannot_be_shown_or_saved_keeps_no_other_from_it(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REALTIME_SNAPSHOT_INTERVAL = settings.REALTIME_PERSIST_INTERVAL = 0.01
    loop, shown, saved = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
    broken, whole = (Progress(Job(title="T", queued_at=timezone.now())) for _ in range(2))

    async def send(message: JobMessage) -> None:
        shown.set()

    def fail() -> bool:
        raise OverflowError("It is too much.")

    def save() -> bool:
        loop.call_soon_threadsafe(saved.set)
        return True

    monkeypatch.setattr(messages, "send_job", send)
    monkeypatch.setattr(messages, "job_message", lambda job: fail() if job is broken.job else {})
    monkeypatch.setattr(broken, "persist", fail)
    monkeypatch.setattr(whole, "persist", save)
    hand = SerialThread("test")
    followed = RunningJobs(hand)
    for progress in (broken, whole):
        followed.add(progress, loop)
    tasks = [asyncio.create_task(followed.show()), asyncio.create_task(followed.save())]
    async with asyncio.timeout(60):
        await shown.wait()
        await saved.wait()
    assert not any(task.done() for task in tasks)
    for task in tasks:
        task.cancel()
    hand.close()
    assert "cannot be shown" in caplog.text
    assert "cannot be saved" in caplog.text

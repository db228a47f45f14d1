import asyncio
import threading
from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from realtime.bus.bus import bus
from realtime.bus.heartbeat import WorkerHeartbeat
from realtime.models import Job, Worker
from realtime.states import JobState
from realtime.tests.support.claimed_progress import claimed_progress
from realtime.tests.support.polling import until
from realtime.threads import SerialThread

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

TIMEOUT_SECONDS = 60


def test_a_worker_with_a_heartbeat_is_up() -> None:
    bus().handle_heartbeat("celery@here")
    until(Worker.objects.up().exists, within=TIMEOUT_SECONDS, what="the worker is up")


def test_a_job_whose_process_was_killed_is_failed_by_its_own_worker() -> None:
    mine, taken_over = claimed_progress(), claimed_progress()
    Job.objects.filter(pk=taken_over.job.pk).update(worker="celery@elsewhere")
    bus().handle_heartbeat(mine.job.worker)
    for progress in (taken_over, mine):
        bus().fail_killed_job(progress.job.pk, "It was stopped: it took over 2 s.")
    failed = Job.objects.filter(state=JobState.FAILED, error__contains="2 s")
    until(failed.exists, within=TIMEOUT_SECONDS, what="the job has failed")
    assert failed.get() == mine.job


def test_a_job_that_is_killed_before_the_first_heartbeat_fails() -> None:
    job = claimed_progress().job
    database = SerialThread("test")
    heartbeat = WorkerHeartbeat(database=database, broker=database)

    async def kill_then_beat() -> None:
        failing = asyncio.create_task(heartbeat.fail_killed_job(job.pk, "It was stopped."))
        await asyncio.sleep(0)
        await heartbeat.save(job.worker)
        await failing

    asyncio.run(kill_then_beat())
    database.close()
    assert Job.objects.get().state == JobState.FAILED


def test_heartbeats_do_not_queue_up_while_the_database_hangs() -> None:
    saved: list[str] = []
    released = threading.Event()

    def stamp(worker: str) -> None:
        saved.append(worker)
        assert released.wait(TIMEOUT_SECONDS)

    database = SerialThread("test")
    heartbeat = WorkerHeartbeat(database=database, broker=database, stamp=stamp)

    async def beat_while_the_database_hangs() -> None:
        first = asyncio.create_task(heartbeat.save("w"))
        await asyncio.sleep(0)
        later = [asyncio.create_task(heartbeat.save("w")) for _ in range(5)]
        await asyncio.sleep(0)
        released.set()
        await asyncio.gather(first, *later)
        await heartbeat.save("w")

    asyncio.run(beat_while_the_database_hangs())
    database.close()
    assert saved == ["w", "w"]


def test_a_heartbeat_rescues_a_lost_job(settings: Settings) -> None:
    settings.REALTIME_RECOVER_INTERVAL = 0.01
    job = claimed_progress().job
    long_ago = timezone.now() - timedelta(minutes=1)
    Job.objects.update(heartbeat_at=long_ago)
    Worker.objects.create(name="celery@here", steady_since=long_ago)

    def is_queued_again() -> bool:
        bus().handle_heartbeat("celery@here")
        return Job.objects.filter(pk=job.pk, losses=1, state=JobState.QUEUED).exists()

    until(is_queued_again, within=TIMEOUT_SECONDS, what="the job is rescued")

from collections.abc import Callable
from datetime import timedelta
from typing import Any, TypeVar
from uuid import UUID

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.db import InterfaceError, OperationalError
from django.utils import timezone

from realtime.jobs import outbox
from realtime.maintenance.relay import relay
from realtime.maintenance.rescue import expire, rescue
from realtime.maintenance.round import STEPS, run_maintenance
from realtime.maintenance.tests.rows import ago, make
from realtime.models import Job
from realtime.states import JobState
from realtime.tests.support.batches import batch_of, rolled_up
from realtime.threads import SerialThread

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("worker")]


T = TypeVar("T")


class ThisThread(SerialThread):
    """Runs the calls in the test's own thread, which sees the test's transaction."""

    def __init__(self) -> None:
        self.calls: list[Callable[..., Any]] = []

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        self.calls.append(function)
        return await sync_to_async(function)(*args)


def test_a_round_runs_every_step(published: list[UUID], depth: dict[str, int]) -> None:
    silent = make(state=JobState.RUNNING, heartbeat_at=ago(60), queued_at=ago(90))
    message_lost = make(published_at=ago(60), queued_at=ago(90))
    async_to_sync(run_maintenance)(ThisThread())
    assert set(published) == {silent.pk, message_lost.pk}


@pytest.mark.parametrize(("count", "calls"), [(3, 1), (4, 2), (5, 2)])
def test_a_step_is_repeated_until_it_finds_less_than_a_chunk(
    published: list[UUID],
    depth: dict[str, int],
    count: int,
    calls: int,
) -> None:
    for _ in range(count):
        make(state=JobState.RUNNING, heartbeat_at=ago(60), queued_at=ago(90))
    thread = ThisThread()
    async_to_sync(run_maintenance)(thread, chunk_size=4)
    assert thread.calls.count(rescue) == calls
    assert not Job.objects.filter(state=JobState.RUNNING).exists()
    assert thread.calls.count(expire) == 1


def test_a_step_that_always_finds_jobs_ends_after_calls_max(
    published: list[UUID], depth: dict[str, int]
) -> None:
    job = make(queued_at=ago(90))
    async_to_sync(run_maintenance)(ThisThread(), chunk_size=1, calls_max=3)
    assert published == [job.pk] * 3


@pytest.mark.parametrize(
    "error", [OperationalError("locked"), InterfaceError("closed"), KeyError("k")]
)
def test_a_step_that_fails_does_not_stop_the_others(
    caplog: pytest.LogCaptureFixture,
    published: list[UUID],
    depth: dict[str, int],
    error: Exception,
) -> None:
    def fail(limit: int) -> int:
        raise error

    job = make(queued_at=ago(90))
    async_to_sync(run_maintenance)(ThisThread(), steps=(fail, relay))
    assert published == [job.pk]
    assert "Maintenance step fail" in caplog.text
    assert type(error).__name__ in caplog.text


def test_a_round_leaves_a_running_batch_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    batch = batch_of(1)
    leased = {"state": JobState.RUNNING, "heartbeat_at": timezone.now()}
    batch.children.update(published_at=long_ago, **leased)
    Job.objects.update(queued_at=long_ago, started_at=long_ago)
    monkeypatch.setattr(outbox, "publish", pytest.fail)
    assert [step(500) for step in STEPS] == [0] * len(STEPS)
    assert rolled_up(batch).state == JobState.RUNNING

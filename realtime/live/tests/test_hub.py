from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.utils import timezone

from realtime.channel_layer.messages import group
from realtime.live import hub as hub_module
from realtime.live.hub import Hub
from realtime.live.watched_job import WatchedJob
from realtime.models import Job


class Reading:
    """A database hand that something happens to while it reads."""

    def __init__(self, meanwhile: Callable[[], None]) -> None:
        self._meanwhile = meanwhile

    async def call(self, call: Callable[..., Any], *args: Any) -> Any:
        found = call(*args)
        self._meanwhile()
        return found


def a_job() -> Job:
    return Job(id=uuid4(), title="T", queued_at=timezone.now())


def hub_that_reads(
    monkeypatch: pytest.MonkeyPatch, job: Job, meanwhile: Callable[[Hub], None]
) -> tuple[Hub, WatchedJob]:
    hub, watched = Hub(), WatchedJob()
    hub._jobs[job.pk], hub._groups[group(job.pk)] = watched, job.pk
    hub._database = Reading(lambda: meanwhile(hub))  # type: ignore[assignment]
    monkeypatch.setattr(
        hub_module, "load_for_snapshots", lambda ids: [job] if job.pk in ids else []
    )
    return hub, watched


def fail(hub: Hub) -> None:
    raise OSError("away")


async def test_a_job_that_was_read_is_not_silent(monkeypatch: pytest.MonkeyPatch) -> None:
    hub, watched = hub_that_reads(monkeypatch, a_job(), lambda _: None)
    assert watched.is_silent()
    await hub.repair()
    assert not watched.is_silent()
    assert watched.operator


@pytest.mark.parametrize("exists", [True, False])
async def test_a_group_that_is_joined_during_the_read_needs_another(
    monkeypatch: pytest.MonkeyPatch, exists: bool
) -> None:
    job = a_job()
    hub, watched = hub_that_reads(monkeypatch, job, lambda hub: hub._joined(group(job.pk)))
    if not exists:
        monkeypatch.setattr(hub_module, "load_for_snapshots", lambda _: [])
    await hub.repair()
    assert watched.is_silent()


async def test_a_read_that_fails_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    hub, watched = hub_that_reads(monkeypatch, a_job(), fail)
    with pytest.raises(OSError, match="away"):
        await hub.repair()
    assert watched.is_silent()

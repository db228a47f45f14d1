from uuid import UUID

import pytest

from realtime.jobs import outbox
from realtime.maintenance import broker
from realtime.maintenance.tests.rows import ago
from realtime.models import Worker


@pytest.fixture
def worker() -> Worker:
    """A worker whose heartbeats have been saved without a gap."""
    return Worker.objects.create(name="up", steady_since=ago(100))


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[UUID]:
    """The ids that the outbox was called with; nothing is published."""
    ids: list[UUID] = []
    monkeypatch.setattr(outbox, "publish", ids.extend)
    return ids


@pytest.fixture
def depth(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How many messages the broker says are in each queue."""
    depths: dict[str, int] = {}
    monkeypatch.setattr(broker, "depth", lambda queue: depths.get(queue, 0))
    return depths

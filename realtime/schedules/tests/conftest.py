from typing import Any

import pytest
from celery import current_app

from realtime.schedules.tests.periodic_tasks import uncounted


@pytest.fixture(autouse=True)
def setting(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The setting CELERY_BEAT_SCHEDULE, empty at first."""
    schedules: dict[str, Any] = {}
    monkeypatch.setitem(current_app.conf, "beat_schedule", schedules)
    # It would close the connection of the test within its transaction.
    monkeypatch.setattr("realtime.schedules.scheduler.close_old_connections", lambda: None)
    return schedules


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    names: list[str] = []
    monkeypatch.setattr(uncounted, "apply_async", lambda *_, **__: names.append("known"))
    monkeypatch.setattr(current_app, "send_task", lambda name, *_, **__: names.append(name))
    return names

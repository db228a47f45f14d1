import pytest


@pytest.fixture(autouse=True)
def no_known_queue_speeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the speeds of an earlier test's queues."""
    monkeypatch.setattr("realtime.snapshots.queue_speed._known", {})

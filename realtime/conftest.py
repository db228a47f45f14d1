import pytest

from realtime.snapshots import queue_speed


@pytest.fixture(autouse=True)
def clear_queue_speeds() -> None:
    """Forget the speeds of the queues of an earlier test."""
    queue_speed.clear_cache()

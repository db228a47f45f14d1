"""Waits until the bus of the tests' process is idle, between two tests."""

from realtime.bus.bus import wait_until_idle

TIMEOUT_SECONDS = 60


def wait_for_idle_bus() -> None:
    """Wait until the bus has done the work of a test, before its rows are deleted.

    Otherwise PostgreSQL may find a deadlock when it empties tables that the bus uses, and another
    test may receive what is sent later.
    """
    wait_until_idle(TIMEOUT_SECONDS)

from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from realtime.models import Worker

pytestmark = pytest.mark.django_db

LOCK = {
    "sqlite": ["BEGIN IMMEDIATE"],  # locks the whole database
    "postgresql": ["BEGIN", "LOCK TABLE realtime_job IN ACCESS EXCLUSIVE MODE"],
}
SHORT_TIMEOUT = {"sqlite": "PRAGMA busy_timeout = 100", "postgresql": "SET lock_timeout = 100"}
USUAL_TIMEOUT = {"sqlite": "PRAGMA busy_timeout = 20000", "postgresql": "RESET lock_timeout"}


@pytest.fixture
def worker() -> Worker:
    return Worker.objects.create(name="up", steady_since=timezone.now() - timedelta(seconds=100))


@contextmanager
def jobs_locked() -> Iterator[None]:
    """Within the block no process can write a job, and this connection does not wait for it."""
    vendor, other = connection.vendor, connection.copy()
    with closing(other), connection.cursor() as cursor, other.cursor() as locking_cursor:
        for command in LOCK[vendor]:
            locking_cursor.execute(command)
        cursor.execute(SHORT_TIMEOUT[vendor])
        try:
            yield
        finally:
            cursor.execute(USUAL_TIMEOUT[vendor])
            locking_cursor.execute("ROLLBACK")


@pytest.mark.parametrize(("silent_for", "has_gap"), [(17, False), (28, True)])
def test_a_late_heartbeat_counts_as_a_gap(worker: Worker, silent_for: int, has_gap: bool) -> None:
    now = timezone.now()
    Worker.objects.update(heartbeat_at=now - timedelta(seconds=silent_for))
    steady_since = worker.steady_since
    Worker.objects.stamp("up")
    worker.refresh_from_db()
    assert worker.heartbeat_at > now - timedelta(seconds=silent_for - 1)
    assert (worker.steady_since == worker.heartbeat_at) == has_gap
    assert (worker.steady_since == steady_since) != has_gap


@pytest.mark.django_db(transaction=True)
def test_no_heartbeat_is_saved_while_jobs_cannot_be_written(worker: Worker) -> None:
    worker.refresh_from_db()
    before = worker.heartbeat_at
    with jobs_locked(), pytest.raises(OperationalError):
        Worker.objects.stamp("up")
    worker.refresh_from_db()
    assert worker.heartbeat_at == before
    Worker.objects.stamp("up")
    worker.refresh_from_db()
    assert worker.heartbeat_at > before

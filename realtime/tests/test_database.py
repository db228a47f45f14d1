"""A run goes on after a lost connection, whether or not the last statement was committed."""

from collections.abc import Callable
from typing import Any

import pytest
from celery import shared_task
from django.db import OperationalError, connection

from realtime.database import retry_if_disconnected
from realtime.files import storage
from realtime.jobs import lease
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.progress.ledger import Ledger
from realtime.progress.progress import Progress
from realtime.progress.row import ProgressRow
from realtime.states import ItemState, JobState
from realtime.tasks import JobTask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

Call = Callable[..., Any]
SAVE = Ledger.save

runs: list[int] = []


@shared_task(base=JobTask, bind=True, name="test.database.work")
def work(self: JobTask) -> None:
    runs.append(1)
    if self.progress.begin("1", "sending"):
        self.progress.settle("1", "sent")
    with self.progress.attach("made.txt") as file:
        file.write(b"content")
    self.progress.message = "Nearly there"


def disconnect() -> None:
    connection.close()
    raise OperationalError("server closed the connection unexpectedly")


def disconnected_before(call: Call) -> Call:
    """`call`, but the connection is lost before its first execution."""
    tries = []

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            disconnect()
        return call(*args, **kwargs)

    return wrapper


def disconnected_after(call: Call) -> Call:
    """`call`, but the connection is lost after its first execution."""
    tries = []

    def wrapper(*args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        result = call(*args, **kwargs)
        if len(tries) == 1:
            disconnect()
        return result

    return wrapper


def run() -> Job:
    runs.clear()
    job = enqueue(work)
    work.apply(task_id=str(job.pk), throw=False)
    job.refresh_from_db()
    return job


def test_a_call_is_repeated_after_a_lost_connection() -> None:
    results = []
    retry_if_disconnected(disconnected_before(lambda: results.append(1)))
    assert results == [1]


def test_a_call_is_not_repeated_if_the_connection_works() -> None:
    tries = []

    def refuse() -> None:
        connection.ensure_connection()
        tries.append(1)
        raise OperationalError("database is locked")

    with pytest.raises(OperationalError):
        retry_if_disconnected(refuse)
    assert tries == [1]


@pytest.mark.parametrize("wrap", [disconnected_before, disconnected_after])
def test_a_job_ends_once(wrap: Callable[[Call], Call], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "finish", wrap(lease.finish))
    job = run()
    assert (job.state, job.attempt, job.message) == (JobState.SUCCEEDED, 1, "Nearly there")
    assert job.events.filter(state=JobState.SUCCEEDED).count() == 1
    file = storage.file_of(job)
    assert file
    assert storage.path_of(job, file).read_bytes() == b"content"
    assert runs == [1]


def test_a_job_whose_lease_was_lost_meanwhile_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def take_over(*args: Any, **kwargs: Any) -> bool:
        Job.objects.update(state=JobState.QUEUED)
        return False

    monkeypatch.setattr(lease, "finish", disconnected_before(take_over))
    job = run()
    assert job.state == JobState.QUEUED
    assert not list(storage.folder_of(job.pk).glob("*"))


@pytest.mark.parametrize("wrap", [disconnected_before, disconnected_after])
def test_an_item_is_settled_once(
    wrap: Callable[[Call], Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ProgressRow, "write", wrap(ProgressRow.write))
    job = run()
    assert job.state == JobState.SUCCEEDED
    assert job.counts == {"sent": 1}
    assert [item.state for item in job.items.all()] == [ItemState.DONE]


if connection.vendor == "postgresql":

    def end_connection() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    def claimed_progress() -> Progress:
        claimed = lease.claim(enqueue(work).pk, worker="w")
        assert claimed
        return Progress(claimed)

    def test_a_run_goes_on_after_postgresql_ended_the_connection() -> None:
        progress = claimed_progress()
        with pytest.raises(OperationalError):
            end_connection()
        assert progress.begin("1", "sending")
        progress.settle("1", "sent")
        assert Job.objects.get(pk=progress.job.pk).counts == {"sent": 1}

    def test_a_run_goes_on_after_postgresql_ended_the_connection_in_a_transaction(
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        tries = []

        def save(self: Ledger, entries: Any) -> None:
            tries.append(1)
            if len(tries) == 1:
                end_connection()
            SAVE(self, entries)

        monkeypatch.setattr(Ledger, "save", save)
        progress = claimed_progress()
        progress.settle("1", "sent")
        assert len(tries) == 2
        assert [item.outcome for item in progress.job.items.all()] == ["sent"]

"""That a run survives a database that hangs up, whether or not it had done what it was told."""

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
from realtime.states import ItemState, JobState
from realtime.tasks import JobTask

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

Call = Callable[..., Any]
SAVE = Ledger.save

runs: list[int] = []


@shared_task(base=JobTask, bind=True, name="test.alive.work")
def work(self: JobTask) -> None:
    runs.append(1)
    if self.progress.begin("1", "sending"):
        self.progress.settle("1", "sent")
    with self.progress.attach("made.txt") as file:
        file.write(b"kept")
    self.progress.message = "Nearly there"


def hang_up() -> None:
    connection.close()
    raise OperationalError("server closed the connection unexpectedly")


def before(call: Call) -> Call:
    """`call`, the first time of which never reaches the database."""
    tries = []

    def tried(*args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        if len(tries) == 1:
            hang_up()
        return call(*args, **kwargs)

    return tried


def after(call: Call) -> Call:
    """`call`, the answer to the first time of which is lost."""
    tries = []

    def tried(*args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        answer = call(*args, **kwargs)
        if len(tries) == 1:
            hang_up()
        return answer

    return tried


def run() -> Job:
    runs.clear()
    job = enqueue(work)
    work.apply(task_id=str(job.pk), throw=False)
    job.refresh_from_db()
    return job


def test_what_did_not_reach_the_database_is_said_once_more() -> None:
    found = []
    retry_if_disconnected(before(lambda: found.append(1)))
    assert found == [1]


def test_what_a_living_database_refuses_is_not_repeated() -> None:
    tries = []

    def refused() -> None:
        connection.ensure_connection()
        tries.append(1)
        raise OperationalError("database is locked")

    with pytest.raises(OperationalError):
        retry_if_disconnected(refused)
    assert tries == [1]


@pytest.mark.parametrize("when", [before, after])
def test_an_end_is_an_end(when: Callable[[Call], Call], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "finish", when(lease.finish))
    job = run()
    assert (job.state, job.attempt, job.message) == (JobState.SUCCEEDED, 1, "Nearly there")
    assert job.events.filter(state=JobState.SUCCEEDED).count() == 1
    file = storage.file_of(job)
    assert file
    assert storage.path_of(job, file).read_bytes() == b"kept"
    assert runs == [1]


def test_an_end_that_another_run_has_taken_over_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def taken_over(*args: Any, **kwargs: Any) -> bool:
        Job.objects.update(state=JobState.QUEUED)
        return False

    monkeypatch.setattr(lease, "finish", before(taken_over))
    job = run()
    assert job.state == JobState.QUEUED
    assert not list(storage.folder_of(job.pk).glob("*"))


@pytest.mark.parametrize("when", [before, after])
def test_an_item_is_claimed_and_settled_once(
    when: Callable[[Call], Call], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Progress, "_write", when(Progress._write))
    job = run()
    assert job.state == JobState.SUCCEEDED
    assert job.counts == {"sent": 1}
    assert [item.state for item in job.items.all()] == [ItemState.DONE]


if connection.vendor == "postgresql":

    def end_connection() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")

    def begun() -> Progress:
        claimed = lease.claim(enqueue(work).pk, worker="w")
        assert claimed
        return Progress(claimed)

    def test_a_connection_that_postgresql_has_ended_costs_no_run() -> None:
        progress = begun()
        with pytest.raises(OperationalError):
            end_connection()
        assert progress.begin("1", "sending")
        progress.settle("1", "sent")
        assert Job.objects.get(pk=progress.job.pk).counts == {"sent": 1}

    def test_a_connection_that_postgresql_ends_in_a_transaction_costs_no_run(
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        tries = []

        def save(self: Ledger, entries: Any) -> None:
            tries.append(1)
            if len(tries) == 1:
                end_connection()
            SAVE(self, entries)

        monkeypatch.setattr(Ledger, "save", save)
        progress = begun()
        progress.settle("1", "sent")
        assert len(tries) == 2
        assert [item.outcome for item in progress.job.items.all()] == ["sent"]

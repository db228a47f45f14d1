from typing import Any

import pytest
from asgiref.sync import sync_to_async
from celery import shared_task

from realtime.errors import JobError
from realtime.models import Job
from realtime.states import ItemState, JobState
from realtime.tasks import JobTask
from realtime.testing import run_task

pytestmark = pytest.mark.django_db


class Broken(JobError):
    code = "broken"


@shared_task(
    base=JobTask, bind=True, name="test.testing.count", title="Count", phases=[("Counting", 1)]
)
def count(self: JobTask, *, to: int) -> dict[str, int]:
    for number in self.progress.track(range(to), phase="Counting", unit="number"):
        self.progress.item(f"{number}", "odd" if number % 2 else "even")
        self.progress.message = f"{number} is counted."
    return {"counted": to}


@shared_task(base=JobTask, bind=True, name="test.testing.once")
def once(self: JobTask) -> None:
    if self.progress.begin("mail", "sending"):
        self.progress.settle("mail", "sent")


@shared_task(base=JobTask, bind=True, name="test.testing.read")
async def read(self: JobTask) -> int:
    self.progress.message = f"Run by {self.request.hostname}."
    return await sync_to_async(Job.objects.count)()


@shared_task(base=JobTask, bind=True, name="test.testing.fail")
def fail(self: JobTask, what: str) -> None:
    raise {"known": Broken("It broke."), "unknown": KeyError("secret")}[what]


@shared_task(base=JobTask, bind=True, name="test.testing.retry")
async def retry(self: JobTask) -> None:
    raise self.retry(exc=Broken("Later."), countdown=60)


def versions(run: Any) -> list[tuple[int, int]]:
    return [(snapshot.revision, snapshot.tick) for snapshot in run.snapshots]


def test_every_change_of_a_run_has_a_snapshot() -> None:
    run = run_task(count, to=3)
    assert [snapshot.state for snapshot in run.snapshots[:2]] == ["queued", "running"]
    done = [snapshot.done for snapshot in run.snapshots if snapshot.state == "running"]
    assert sorted(set(done)) == [0, 1, 2, 3]
    assert run.messages == ["0 is counted.", "1 is counted.", "2 is counted."]
    last = run.snapshots[-1]
    assert (last.state, last.fraction, last.result) == ("succeeded", 1.0, {"counted": 3})
    assert last.counts == {"even": 2, "odd": 1}


def test_every_snapshot_is_newer_than_the_one_before() -> None:
    run = run_task(count, to=5)
    assert versions(run) == sorted(set(versions(run)))


def test_changes_of_one_call_are_in_one_snapshot() -> None:
    snapshots = [snapshot for snapshot in run_task(count, to=2).snapshots if snapshot.phase]
    assert {(snapshot.total, snapshot.unit) for snapshot in snapshots} == {(2, "number")}


def test_the_items_are_those_of_the_ledger() -> None:
    run = run_task(count, to=3)
    assert run.outcomes == {"0": "even", "1": "odd", "2": "even"}
    assert {item.state for item in run.items} == {ItemState.DONE}


def test_a_claim_and_its_settlement_have_a_snapshot_each() -> None:
    outcomes = [list(snapshot.counts) for snapshot in run_task(once).snapshots]
    assert ["sending"] in outcomes
    assert outcomes[-1] == ["sent"]


def test_a_coroutine_body_sees_the_transaction_of_the_test() -> None:
    Job.objects.create(task="t", title="Another")
    run = run_task(read)
    assert run.job.result == 2
    assert run.messages == ["Run by celery@test."]


def test_an_exception_of_the_body_is_saved_in_the_job() -> None:
    known, unknown = run_task(fail, "known").job, run_task(fail, what="unknown").job
    assert (known.state, known.error_code, known.error) == (JobState.FAILED, "broken", "It broke.")
    assert "secret" not in unknown.error
    assert "KeyError" in unknown.traceback


def test_a_retry_does_not_run() -> None:
    run = run_task(retry)
    assert (run.job.state, run.job.error) == (JobState.RETRYING, "Later.")
    assert run.snapshots[-1].retry_at is not None


def test_arguments_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TypeError):
        run_task(fail, "known", "more")

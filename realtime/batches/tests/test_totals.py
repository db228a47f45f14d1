from datetime import timedelta

import pytest
from django.db.models import F

from realtime.actions import run_again
from realtime.batches.totals import Totals
from realtime.models import Job
from realtime.states import JobState
from realtime.tests.support.batches import batch_of, children_of, fail, rolled_up, succeed

pytestmark = pytest.mark.django_db


def roll_up_later(batch: Job, *, after: float) -> Job:
    """Roll the batch up as if `after` seconds had passed since the last roll-up.

    Tests use thousands of seconds, so the time of the test itself does not matter.
    """
    before = timedelta(seconds=after)
    rows = Job.objects.filter(pk=batch.pk)
    rows.update(estimated_at=F("estimated_at") - before, started_at=F("started_at") - before)
    return rolled_up(batch)


def test_a_batch_has_a_rate_and_an_eta() -> None:
    batch = rolled_up(batch_of(100))
    assert (batch.rate, batch.eta) == (None, None)
    jobs = iter(children_of(batch))
    for _ in range(10):
        for _ in range(2):
            succeed(next(jobs))
        batch = roll_up_later(batch, after=1000)
    assert batch.rate == pytest.approx(2 / 1000, rel=0.1)
    assert batch.eta == pytest.approx(40_000, rel=0.1)


def test_a_batch_has_no_eta_before_eta_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("realtime.progress.estimate.ETA_SECONDS", 5000)
    batch = rolled_up(batch_of(10))
    jobs = iter(children_of(batch))
    succeed(next(jobs))
    batch = roll_up_later(batch, after=4000)
    assert batch.rate == pytest.approx(1 / 4000, rel=0.1)
    assert batch.eta is None
    succeed(next(jobs))
    assert roll_up_later(batch, after=4000).eta == pytest.approx(32_000, rel=0.1)


def test_jobs_that_ended_before_a_second_run_do_not_count_for_the_rate() -> None:
    batch = batch_of(100)
    jobs = children_of(batch)
    for job in jobs[:90]:
        succeed(job)
    for job in jobs[90:]:
        fail(job)
    assert rolled_up(batch).state == JobState.FAILED
    assert run_again(batch)
    batch = rolled_up(batch)
    assert (batch.done, batch.rate, batch.eta) == (90, None, None)
    succeed(jobs[90])
    batch = roll_up_later(batch, after=5000)
    assert batch.rate == pytest.approx(1 / 5000, rel=0.1)
    assert batch.eta == pytest.approx(45_000, rel=0.1)


@pytest.mark.parametrize(
    ("by_state", "cancel_requested", "state"),
    [
        ({}, False, JobState.SUCCEEDED),
        ({"succeeded": 2}, True, JobState.SUCCEEDED),
        ({"succeeded": 1, "failed": 1}, False, JobState.FAILED),
        ({"succeeded": 1, "cancelled": 1}, False, JobState.SUCCEEDED),
        ({"succeeded": 1, "cancelled": 1}, True, JobState.CANCELLED),
        ({"failed": 1, "cancelled": 1}, False, JobState.FAILED),
        ({"failed": 1, "cancelled": 1}, True, JobState.CANCELLED),
        ({"cancelled": 2}, False, JobState.CANCELLED),
    ],
)
def test_the_end_state_of_a_batch(
    by_state: dict[str, int], cancel_requested: bool, state: JobState
) -> None:
    totals = Totals(by_state, started=0.0)
    assert totals.end_state(cancel_requested=cancel_requested) == state


def test_the_message_counts_running_and_waiting_children() -> None:
    assert Totals({"running": 1, "queued": 1000, "lost": 1}, 0.0).message() == (
        "1 running, 1,001 waiting"
    )
    assert Totals({"succeeded": 1}, 0.0).message() == ""

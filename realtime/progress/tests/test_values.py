"""Values of every kind that a body may assign to its progress."""

from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from realtime.progress import Progress
from realtime.progress.values import COUNT_MAX
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.tests.support.claimed_progress import claimed_progress
from realtime.worker.tests.run_body import run, sync_task

pytestmark = pytest.mark.django_db

UNKNOWN = [None, float("inf"), float("-inf"), float("nan"), Decimal("NaN"), Decimal("sNaN"), -1]
KNOWN: list[tuple[Any, int]] = [
    (0, 0),
    (7, 7),
    (True, 1),
    (7.0, 7),
    (6.6, 7),
    (Decimal("6.2"), 6),
    (Fraction(20, 3), 7),
    (COUNT_MAX, COUNT_MAX),
    (COUNT_MAX + 1, COUNT_MAX),
    (1e300, COUNT_MAX),
    (10**400, COUNT_MAX),
]
WRONG: list[Any] = ["100", b"1", [], 1j, object()]


class Unprintable:
    def __str__(self) -> str:
        raise ZeroDivisionError


def ways_to_set_total(progress: Progress, total: Any) -> list[Callable[[], object]]:
    return [
        lambda: setattr(progress, "total", total),
        lambda: progress.phase("Reading", total=total).__enter__(),
        lambda: iter(progress.track([], total=total, phase="Reading")).__next__(),
    ]


@pytest.mark.parametrize("total", UNKNOWN)
def test_a_total_that_is_no_count_is_unknown(total: Any) -> None:
    progress = claimed_progress()
    progress.total = 5
    progress.total = total
    progress.advance()
    assert progress.save()
    progress.job.refresh_from_db()
    assert (progress.job.total, progress.job.done, progress.job.fraction) == (None, 1, None)


@pytest.mark.parametrize(("total", "stored"), KNOWN)
def test_a_total_may_be_any_number(total: Any, stored: int) -> None:
    progress = claimed_progress()
    progress.total = total
    assert progress.total == stored
    assert progress.save()
    progress.job.refresh_from_db()
    assert progress.job.total == stored


@pytest.mark.parametrize("total", WRONG)
def test_a_total_of_a_wrong_type_raises_where_it_is_given(total: Any) -> None:
    progress = claimed_progress()
    for call in ways_to_set_total(progress, total):
        with pytest.raises(TypeError, match="`total` must be a number"):
            call()
    with pytest.raises(TypeError, match="`total` must be a number"):
        progress.track([], total=total)


@pytest.mark.parametrize(("done", "stored"), KNOWN)
def test_done_may_be_any_number(done: Any, stored: int) -> None:
    progress = claimed_progress()
    progress.done = done
    assert progress.save()
    progress.job.refresh_from_db()
    assert progress.job.done == stored


@pytest.mark.parametrize("done", [-1, -0.5, float("nan"), float("inf"), Decimal("-Infinity")])
def test_done_that_is_no_count_raises_where_it_is_assigned(done: Any) -> None:
    progress = claimed_progress()
    with pytest.raises(ValueError, match="`done` must be a number from 0"):
        progress.done = done
    assert progress.done == 0


@pytest.mark.parametrize("done", [*WRONG, None])
def test_done_of_a_wrong_type_raises_where_it_is_assigned(done: Any) -> None:
    progress = claimed_progress()
    with pytest.raises(TypeError, match="`done` must be a number"):
        progress.done = done


@pytest.mark.parametrize("units", [1, 1.0, Decimal(1), Fraction(1), True])
@pytest.mark.parametrize("method", ["advance", "skip"])
def test_units_may_be_any_number(method: str, units: Any) -> None:
    progress = claimed_progress()
    progress.total = 4
    getattr(progress, method)(units)
    assert progress.save()
    progress.job.refresh_from_db()
    assert (progress.job.done, progress.job.fraction) == (1, 0.25)


def test_units_that_are_fractions_add_up() -> None:
    progress = claimed_progress()
    for _ in range(4):
        progress.advance(Decimal("0.5"))  # type: ignore[arg-type]
    assert progress.fields()["done"] == 2


@pytest.mark.parametrize("units", [-1, -0.5, float("nan"), Decimal(-1)])
@pytest.mark.parametrize("method", ["advance", "skip"])
def test_units_that_are_no_count_raise_at_the_call(method: str, units: Any) -> None:
    progress = claimed_progress()
    with pytest.raises(ValueError, match="not by"):
        getattr(progress, method)(units)
    assert progress.fields()["done"] == 0


def test_an_infinite_advance_does_not_fail_the_work() -> None:
    def endless(self: JobTask) -> str:
        self.progress.advance(3)
        self.progress.advance(float("inf"))  # type: ignore[arg-type]
        return "the result"

    job = run(sync_task, endless)
    assert (job.state, job.result, job.done) == (JobState.SUCCEEDED, "the result", COUNT_MAX)


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf"), Decimal("NaN")])
def test_a_weight_is_above_0_and_finite(weight: Any) -> None:
    with pytest.raises(ValueError, match="weight of the phase 'Reading'"):
        claimed_progress().phase("Reading", weight=weight).__enter__()


@pytest.mark.parametrize("weight", WRONG)
def test_a_weight_of_a_wrong_type_raises_at_the_call(weight: Any) -> None:
    with pytest.raises(TypeError, match="weight of the phase 'Reading'"):
        claimed_progress().phase("Reading", weight=weight).__enter__()


def test_a_weight_may_be_any_number() -> None:
    progress = claimed_progress()
    progress.plan(("Reading", Decimal(1)), ("Writing", Fraction(3)))  # type: ignore[arg-type]
    with progress.phase("Reading", total=2):
        progress.advance()
    assert progress.save()
    assert progress.fields()["fraction"] == 0.25


def test_texts_that_have_no_text_raise_where_they_are_given() -> None:
    progress = claimed_progress()
    bad: Any = Unprintable()
    calls: list[Callable[[], object]] = [
        lambda: setattr(progress, "message", bad),
        lambda: setattr(progress, "unit", bad),
        lambda: progress.item("1", bad),
        lambda: progress.item("1", "new", label=bad),
        lambda: progress.item("1", "new", detail=bad),
        lambda: progress.phase("Reading", unit=bad).__enter__(),
    ]
    for call in calls:
        with pytest.raises(ZeroDivisionError):
            call()
    assert progress.save()


def test_texts_may_be_any_object_with_a_text() -> None:
    progress = claimed_progress()
    message: Any = KeyError("a")
    progress.message, progress.unit = message, None  # type: ignore[assignment]
    progress.item("1", 7, label=Decimal("1.5"), detail=None)  # type: ignore[arg-type]
    assert progress.save()
    progress.job.refresh_from_db()
    assert (progress.job.message, progress.job.unit) == ("'a'", "")
    item = progress.job.items.get()
    assert (item.outcome, item.label, item.detail) == ("7", "1.5", "")


def test_progress_that_cannot_be_computed_does_not_lose_the_result() -> None:
    def break_progress(self: JobTask) -> str:
        self.progress.fields = None  # type: ignore[assignment,method-assign]
        self.progress.item("1", "new")
        return "the result"

    job = run(sync_task, break_progress)
    assert (job.state, job.result) == (JobState.SUCCEEDED, "the result")
    assert job.items.count() == 1

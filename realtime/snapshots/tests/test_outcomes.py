import pytest
from celery import shared_task

from realtime.models import Job
from realtime.snapshots.build import public
from realtime.snapshots.outcomes import in_display_order
from realtime.tasks import JobTask


@shared_task(base=JobTask, name="test.outcomes", outcomes=("new", "failed", "left out"))
def declared() -> None:
    pass


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (declared.name, ["new", "failed", "left out", "apart", "succeeded", "cancelled"]),
        (
            "unknown to this process",
            ["apart", "left out", "new", "succeeded", "failed", "cancelled"],
        ),
    ],
)
def test_counts_have_the_same_order_whichever_is_first(task: str, words: list[str]) -> None:
    counts = {word: number for number, word in enumerate(sorted(words, key=len), start=1)}
    assert list(in_display_order(task, counts)) == words
    assert in_display_order(task, counts) == counts


def test_outcomes_without_a_count_are_left_out() -> None:
    assert in_display_order(declared.name, {}) == {}
    assert in_display_order(declared.name, {"left out": 1}) == {"left out": 1}


def test_a_snapshot_has_its_counts_in_that_order(db: None) -> None:
    job = Job.objects.create(task=declared.name, title="T", counts={"left out": 1, "new": 2})
    assert list(public(job).counts) == ["new", "left out"]

import pytest
from celery import shared_task

from realtime.models import Job
from realtime.snapshots.build import public
from realtime.snapshots.outcomes import in_display_order
from realtime.tasks import JobTask


@shared_task(base=JobTask, name="test.outcomes", outcomes=("new", "failed", "kept"))
def declared() -> None:
    pass


@pytest.mark.parametrize(
    ("task", "words"),
    [
        (declared.name, ["new", "failed", "kept", "apart", "succeeded", "cancelled"]),
        ("unknown to this process", ["apart", "kept", "new", "succeeded", "failed", "cancelled"]),
    ],
)
def test_counts_are_shown_in_one_order_whatever_came_first(task: str, words: list[str]) -> None:
    came = {word: number for number, word in enumerate(sorted(words, key=len), start=1)}
    assert list(in_display_order(task, came)) == words
    assert in_display_order(task, came) == came


def test_what_is_not_counted_is_not_shown() -> None:
    assert in_display_order(declared.name, {}) == {}
    assert in_display_order(declared.name, {"kept": 1}) == {"kept": 1}


def test_a_snapshot_has_them_in_that_order(db: None) -> None:
    job = Job.objects.create(task=declared.name, title="T", counts={"kept": 1, "new": 2})
    assert list(public(job).counts) == ["new", "kept"]

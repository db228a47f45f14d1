import pytest
from pytest_django import Settings

from realtime.states import ItemState
from realtime.tests.support.claimed_progress import claimed_progress

pytestmark = pytest.mark.django_db


def test_items_are_counted_by_their_last_outcome() -> None:
    progress = claimed_progress()
    progress.item("1", "new")
    progress.item("2", "failed", state=ItemState.FAILED, detail="No picture.")
    progress.item("2", "new")
    assert progress.fields()["counts"] == {"new": 2}


@pytest.mark.parametrize(("number", "shown"), [(1, 1), (2, 2), (3, 2)])
def test_the_newest_items_are_shown_newest_first(
    number: int, shown: int, settings: Settings
) -> None:
    settings.REALTIME_ITEMS_SHOWN = 2
    progress = claimed_progress()
    for key in range(number):
        progress.item(str(key), "new")
    recent = [item[0] for item in progress.fields()["recent"]]
    assert recent == [str(key) for key in range(number)][-shown:][::-1]


def test_failed_items_are_counted_until_they_succeed() -> None:
    progress = claimed_progress()
    progress.item("1", "gone", state=ItemState.FAILED)
    progress.item("2", "late", state=ItemState.FAILED)
    assert progress.fields()["failed"] == 2
    progress.item("2", "new")
    assert progress.fields()["failed"] == 1
    assert progress.counts() == {"gone": 1, "new": 1}

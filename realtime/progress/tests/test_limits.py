"""Texts that are too long, or that a database does not store."""

from collections.abc import Callable

import pytest

from realtime.models import Job, JobItem
from realtime.progress.ledger import DETAIL_MAX, IMAGE_MAX, KEY_MAX, LABEL_MAX, OUTCOME_MAX
from realtime.progress.phases import NAME_MAX
from realtime.progress.progress import MESSAGE_MAX, UNIT_MAX
from realtime.tests.support.claimed_progress import claimed_progress

pytestmark = pytest.mark.django_db


def test_every_limit_is_the_size_of_its_column() -> None:
    of_items = {"key": KEY_MAX, "image": IMAGE_MAX, "label": LABEL_MAX}
    of_items |= {"detail": DETAIL_MAX, "outcome": OUTCOME_MAX}
    of_jobs = {"phase": NAME_MAX, "unit": UNIT_MAX, "message": MESSAGE_MAX}
    for model, limits in ((JobItem, of_items), (Job, of_jobs)):
        sizes = {field.name: field.max_length for field in model._meta.fields}
        assert sizes | limits == sizes


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_names_and_keys_that_are_too_long_are_refused(more: int) -> None:
    progress = claimed_progress()
    calls: list[Callable[[], object]] = [
        lambda: progress.item("k" * (KEY_MAX + more), "new"),
        lambda: progress.begin("k" * (KEY_MAX + more), "new"),
        lambda: progress.settle("k" * (KEY_MAX + more), "new"),
        lambda: progress.item("1", "new", image="/" + "i" * (IMAGE_MAX - 1 + more)),
        lambda: progress.phase("p" * (NAME_MAX + more)).__enter__(),
    ]
    for call in calls:
        if more > 0:
            with pytest.raises(ValueError, match="up to"):
                call()
        else:
            call()
    assert progress.save()


@pytest.mark.parametrize("more", [-1, 0, 1])
def test_other_texts_are_cut_at_their_limit(more: int) -> None:
    progress = claimed_progress()
    progress.unit = "u" * (UNIT_MAX + more)
    label, detail = "l" * (LABEL_MAX + more), "d" * (DETAIL_MAX + more)
    progress.settle("1", "o" * (OUTCOME_MAX + more), label=label, detail=detail)
    item = progress.job.items.get()
    progress.job.refresh_from_db()
    shown = [progress.job.unit, item.outcome, item.label, item.detail]
    most = [UNIT_MAX, OUTCOME_MAX, LABEL_MAX, DETAIL_MAX]
    assert [len(text) for text in shown] == [each + min(more, 0) for each in most]


@pytest.mark.parametrize("bad", ["\0", "caf\udce9"])
def test_text_that_cannot_be_stored_is_replaced_or_refused(bad: str) -> None:
    progress = claimed_progress()
    progress.message = progress.unit = bad
    progress.settle("1", bad, label=bad, detail=bad)
    assert all("\ufffd" in text for text in progress.job.items.values_list("label", "detail")[0])
    assert list(progress.counts()) == [bad.replace(bad[-1], "\ufffd")]
    calls: list[Callable[[], object]] = [
        lambda: progress.item(bad, "new"),
        lambda: progress.begin(bad, "new"),
        lambda: progress.settle(bad, "new"),
        lambda: progress.phase(bad).__enter__(),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="up to"):
            call()


@pytest.mark.parametrize("image", ["javascript:alert(1)", "https://evil.example/1.png", "//evil"])
def test_a_picture_of_another_site_is_refused(image: str) -> None:
    progress = claimed_progress()
    with pytest.raises(ValueError, match="path of this site"):
        progress.item("1", "new", image=image)
    assert progress.save()
    assert not progress.job.items.exists()

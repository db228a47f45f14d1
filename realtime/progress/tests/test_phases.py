import pytest

from realtime.models import Job
from realtime.progress.progress import Progress


def new_progress() -> Progress:
    return Progress(Job(task="t", title="T"))


def test_a_phase_counts_its_units() -> None:
    progress = new_progress()
    with progress.phase("Saving", total=4, unit="photo"):
        progress.advance(3)
        fields = progress.fields()
    assert (fields["phase"], fields["done"], fields["total"], fields["unit"]) == (
        "Saving",
        3,
        4,
        "photo",
    )
    assert fields["fraction"] == 0.75


def test_planned_phases_share_the_bar_by_weight() -> None:
    progress = new_progress()
    progress.plan(("Reading", 1), ("Saving", 9))
    with progress.phase("Reading"):
        assert progress.fields()["fraction"] is None
    with progress.phase("Saving", total=2):
        assert progress.fields()["fraction"] == 0.1
        progress.advance()
        assert progress.fields()["fraction"] == 0.55
    fields = progress.fields()
    assert fields["fraction"] == 1.0
    assert fields["phases"] == [["Reading", "done"], ["Saving", "done"]]


def test_a_phase_that_raises_is_not_done() -> None:
    progress = new_progress()
    with pytest.raises(OSError), progress.phase("Reading"):  # noqa: PT011
        raise OSError
    assert progress.fields()["phases"] == [["Reading", "running"]]


def test_a_phase_without_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="weight of the phase 'Reading'"):
        new_progress().plan(("Reading", 0))

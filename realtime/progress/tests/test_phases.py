import pytest

from realtime.models import Job
from realtime.progress.progress import Progress


def begun() -> Progress:
    return Progress(Job(task="t", title="T"))


def test_a_phase_counts_its_units() -> None:
    progress = begun()
    with progress.phase("Saving", total=4, unit="photo"):
        progress.advance(3)
        look = progress.look()
    assert (look["phase"], look["done"], look["total"], look["unit"]) == ("Saving", 3, 4, "photo")
    assert look["fraction"] == 0.75


def test_planned_phases_share_the_bar_by_weight() -> None:
    progress = begun()
    progress.plan(("Reading", 1), ("Saving", 9))
    with progress.phase("Reading"):
        assert progress.look()["fraction"] is None
    with progress.phase("Saving", total=2):
        assert progress.look()["fraction"] == 0.1
        progress.advance()
        assert progress.look()["fraction"] == 0.55
    look = progress.look()
    assert look["fraction"] == 1.0
    assert look["phases"] == [["Reading", "done"], ["Saving", "done"]]


def test_a_phase_that_raises_is_not_done() -> None:
    progress = begun()
    with pytest.raises(OSError), progress.phase("Reading"):  # noqa: PT011
        raise OSError
    assert progress.look()["phases"] == [["Reading", "running"]]


def test_a_phase_without_weight_is_refused() -> None:
    with pytest.raises(ValueError, match="weight of the phase 'Reading'"):
        begun().plan(("Reading", 0))

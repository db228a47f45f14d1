import pytest

from realtime.live import gc_freeze
from realtime.live.gc_freeze import BATCH, GcFreeze


class Collector:
    """In place of `gc`, which the other tests are subject to."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def collect(self) -> None:
        self.told.append("collect")

    def freeze(self) -> None:
        self.told.append("freeze")

    def unfreeze(self) -> None:
        self.told.append("unfreeze")


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Collector:
    collector = Collector()
    monkeypatch.setattr(gc_freeze, "gc", collector)
    return collector


def come(kept: GcFreeze, times: int) -> None:
    for _ in range(times):
        kept.come()


def test_a_few_sockets_are_nothing_special(collector: Collector) -> None:
    come(GcFreeze(), BATCH - 1)
    assert collector.told == []


def test_each_batch_is_set_aside_without_the_garbage(collector: Collector) -> None:
    come(GcFreeze(), 2 * BATCH)
    assert collector.told == ["collect", "freeze"] * 2


@pytest.mark.parametrize(("left", "goings"), [(0, BATCH + 1), (BATCH + 50, BATCH + 51)])
def test_when_most_have_gone_what_they_left_can_be_found(
    left: int, goings: int, collector: Collector
) -> None:
    kept = GcFreeze()
    for _ in range(goings - 1):
        kept.go(left=left)
    assert collector.told == []
    kept.go(left=left)
    assert collector.told == ["unfreeze"]
    kept.go(left=left)
    assert collector.told == ["unfreeze"]

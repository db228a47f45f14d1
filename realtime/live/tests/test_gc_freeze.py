import pytest
from pytest_django import Settings

from realtime.live import gc_freeze as gc_freeze_module
from realtime.live.gc_freeze import BATCH_SIZE, GcFreeze


class Collector:
    """Replaces `gc`, so that the other tests are not affected."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def collect(self) -> None:
        self.calls.append("collect")

    def freeze(self) -> None:
        self.calls.append("freeze")

    def unfreeze(self) -> None:
        self.calls.append("unfreeze")


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Collector:
    collector = Collector()
    monkeypatch.setattr(gc_freeze_module, "gc", collector)
    return collector


def open_sockets(gc_freeze: GcFreeze, number: int) -> None:
    for _ in range(number):
        gc_freeze.opened()


def test_a_few_sockets_are_not_frozen(collector: Collector) -> None:
    open_sockets(GcFreeze(), BATCH_SIZE - 1)
    assert collector.calls == []


def test_each_batch_is_frozen_after_a_collection(collector: Collector) -> None:
    open_sockets(GcFreeze(), 2 * BATCH_SIZE)
    assert collector.calls == ["collect", "freeze"] * 2


@pytest.mark.parametrize(
    ("still_open", "closed"), [(0, BATCH_SIZE + 1), (BATCH_SIZE + 50, BATCH_SIZE + 51)]
)
def test_when_most_sockets_have_closed_their_garbage_can_be_collected(
    still_open: int, closed: int, collector: Collector
) -> None:
    gc_freeze = GcFreeze()
    for _ in range(closed - 1):
        gc_freeze.closed(still_open=still_open)
    assert collector.calls == []
    gc_freeze.closed(still_open=still_open)
    assert collector.calls == ["unfreeze"]
    gc_freeze.closed(still_open=still_open)
    assert collector.calls == ["unfreeze"]


def test_nothing_is_frozen_if_the_setting_is_off(collector: Collector, settings: Settings) -> None:
    settings.REALTIME_GC_FREEZE = False
    gc_freeze = GcFreeze()
    open_sockets(gc_freeze, 2 * BATCH_SIZE)
    for _ in range(2 * BATCH_SIZE):
        gc_freeze.closed(still_open=0)
    assert collector.calls == []

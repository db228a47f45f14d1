import pytest

from realtime import doubts
from realtime.conf import conf
from realtime.doubts import EVERYBODY, PAUSES, Doubts, Who


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(doubts, "monotonic", clock)
    return clock


def looks(doubted: Doubts, clock: Clock, *, until: float) -> list[tuple[float, Who]]:
    """When somebody looks who does so twice a second, and at whom."""
    found = []
    while clock.now < until:
        due = doubted.due()
        doubted.looked(due)
        found += [(clock.now, who) for who in due]
        clock.now += 0.5
    return found


def test_a_user_is_looked_at_at_once_and_for_half_a_minute(clock: Clock) -> None:
    doubted = Doubts()
    doubted.add(7)
    times = [when for when, who in looks(doubted, clock, until=50) if who == 7]
    assert times == [sum(PAUSES[:number]) for number in range(len(PAUSES) + 1)]
    assert times[:2] == [0, 1]
    assert times[-1] == 30


def test_everybody_is_looked_at_now_and_then(clock: Clock) -> None:
    every = conf.ACCESS_INTERVAL
    found = looks(Doubts(), clock, until=2.5 * every)
    assert found == [(every, EVERYBODY), (2 * every, EVERYBODY)]


def test_everybody_is_looked_at_at_a_signal_once(clock: Clock) -> None:
    doubted = Doubts()
    doubted.add(EVERYBODY)
    assert looks(doubted, clock, until=50) == [(0, EVERYBODY)]


def test_what_has_not_been_looked_at_stays_due(clock: Clock) -> None:
    doubted = Doubts()
    doubted.add(7)
    assert set(doubted.due()) == set(doubted.due()) == {7}


@pytest.mark.parametrize("who", [7, EVERYBODY])
def test_a_doubt_that_comes_during_a_look_needs_another(clock: Clock, who: Who) -> None:
    doubted = Doubts()
    doubted.add(who)
    due = doubted.due()
    doubted.add(who)
    doubted.looked(due)
    assert set(doubted.due()) == {who}

import pytest

from realtime.conf import conf
from realtime.live import access_checks
from realtime.live.access_checks import ALL_USERS, PAUSES, AccessChecks, Who


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(access_checks, "monotonic", clock)
    return clock


def looks(doubted: AccessChecks, clock: Clock, *, until: float) -> list[tuple[float, Who]]:
    """When somebody looks who does so twice a second, and at whom."""
    found = []
    while clock.now < until:
        due = doubted.due()
        doubted.looked(due)
        found += [(clock.now, who) for who in due]
        clock.now += 0.5
    return found


def test_a_user_is_looked_at_at_once_and_for_half_a_minute(clock: Clock) -> None:
    doubted = AccessChecks()
    doubted.add(7)
    times = [when for when, who in looks(doubted, clock, until=50) if who == 7]
    assert times == [sum(PAUSES[:number]) for number in range(len(PAUSES) + 1)]
    assert times[:2] == [0, 1]
    assert times[-1] == 30


def test_everybody_is_looked_at_now_and_then(clock: Clock) -> None:
    every = conf.ACCESS_INTERVAL
    found = looks(AccessChecks(), clock, until=2.5 * every)
    assert found == [(every, ALL_USERS), (2 * every, ALL_USERS)]


def test_everybody_is_looked_at_at_a_signal_once(clock: Clock) -> None:
    doubted = AccessChecks()
    doubted.add(ALL_USERS)
    assert looks(doubted, clock, until=50) == [(0, ALL_USERS)]


def test_what_has_not_been_looked_at_stays_due(clock: Clock) -> None:
    doubted = AccessChecks()
    doubted.add(7)
    assert set(doubted.due()) == set(doubted.due()) == {7}


@pytest.mark.parametrize("who", [7, ALL_USERS])
def test_a_doubt_that_comes_during_a_look_needs_another(clock: Clock, who: Who) -> None:
    doubted = AccessChecks()
    doubted.add(who)
    due = doubted.due()
    doubted.add(who)
    doubted.looked(due)
    assert set(doubted.due()) == {who}

import pytest

from realtime.conf import conf
from realtime.live import access_checks
from realtime.live.access_checks import ALL_USERS, PAUSES, AccessChecks, UserId


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


def checks_made(checks: AccessChecks, clock: Clock, *, until: float) -> list[tuple[float, UserId]]:
    """The times of the checks and their users, of a loop that asks twice a second."""
    made = []
    while clock.now < until:
        due = checks.due()
        checks.mark_done(due)
        made += [(clock.now, user_id) for user_id in due]
        clock.now += 0.5
    return made


def test_a_user_is_checked_at_once_and_for_half_a_minute(clock: Clock) -> None:
    checks = AccessChecks()
    checks.add(7)
    times = [when for when, user_id in checks_made(checks, clock, until=50) if user_id == 7]
    assert times == [sum(PAUSES[:number]) for number in range(len(PAUSES) + 1)]
    assert times[:2] == [0, 1]
    assert times[-1] == 30


def test_all_users_are_checked_at_intervals(clock: Clock) -> None:
    interval = conf.ACCESS_INTERVAL
    made = checks_made(AccessChecks(), clock, until=2.5 * interval)
    assert made == [(interval, ALL_USERS), (2 * interval, ALL_USERS)]


def test_all_users_are_checked_once_after_a_signal(clock: Clock) -> None:
    checks = AccessChecks()
    checks.add(ALL_USERS)
    assert checks_made(checks, clock, until=50) == [(0, ALL_USERS)]


def test_a_check_that_was_not_made_stays_due(clock: Clock) -> None:
    checks = AccessChecks()
    checks.add(7)
    assert set(checks.due()) == set(checks.due()) == {7}


@pytest.mark.parametrize("user_id", [7, ALL_USERS])
def test_a_check_that_is_added_during_a_check_stays_due(clock: Clock, user_id: UserId) -> None:
    checks = AccessChecks()
    checks.add(user_id)
    due = checks.due()
    checks.add(user_id)
    checks.mark_done(due)
    assert set(checks.due()) == {user_id}

import pytest
from hypothesis import given
from hypothesis import strategies as st

from realtime.progress.estimate import ETA_SECONDS, Estimate


def test_the_bar_never_moves_backwards() -> None:
    estimate = Estimate(at=0)
    estimate.update(fraction=0.5, done=5, at=1)
    estimate.update(fraction=0.2, done=2, at=2)
    assert estimate.fraction == 0.5


@given(st.lists(st.none() | st.floats(min_value=0, max_value=2), max_size=30))
def test_no_sequence_of_fractions_moves_the_bar_back_or_past_its_end(
    fractions: list[float | None],
) -> None:
    estimate, before = Estimate(at=0), 0.0
    for at, fraction in enumerate(fractions, start=1):
        estimate.update(fraction=fraction, done=at, at=at)
        assert before <= (estimate.fraction or 0.0) <= 1.0
        before = estimate.fraction or 0.0


def test_a_second_attempt_starts_at_the_fraction_of_the_first() -> None:
    estimate = Estimate(at=0, floor=0.4)
    estimate.update(fraction=0.1, done=1, at=1)
    assert estimate.fraction == 0.4


def test_the_bar_is_unknown_until_a_fraction_is_known() -> None:
    estimate = Estimate(at=0)
    estimate.update(fraction=None, done=3, at=1)
    assert estimate.fraction is None


def test_the_rate_is_in_units_a_second() -> None:
    estimate = Estimate(at=0)
    for second in range(1, 60):
        estimate.update(fraction=None, done=4 * second, at=second)
    assert estimate.rate is not None
    assert abs(estimate.rate - 4) < 0.01


def test_the_rate_of_a_new_phase_starts_anew() -> None:
    estimate = Estimate(at=0)
    estimate.update(fraction=None, done=100, at=1)
    estimate.restart_count(1)
    assert estimate.rate is None


def test_there_is_no_eta_in_the_first_seconds() -> None:
    estimate = Estimate(at=0)
    estimate.update(fraction=0.5, done=5, at=ETA_SECONDS - 0.1)
    assert estimate.eta is None
    estimate.update(fraction=0.5, done=5, at=ETA_SECONDS)
    assert estimate.eta is not None


def test_an_eta_needs_a_twentieth_of_the_job() -> None:
    early, later = Estimate(at=0), Estimate(at=0)
    early.update(fraction=0.049, done=1, at=60)
    later.update(fraction=0.05, done=1, at=60)
    assert early.eta is None
    assert later.eta is not None


def test_the_eta_of_a_steady_job_is_right() -> None:
    estimate = Estimate(at=0)
    for second in range(1, 31):
        estimate.update(fraction=second / 100, done=second, at=second)
    assert estimate.eta is not None
    assert abs(estimate.eta - 70) < 1


def test_two_updates_at_the_same_time_do_not_divide_by_zero() -> None:
    estimate = Estimate(at=0)
    estimate.update(fraction=0.1, done=1, at=1)
    estimate.update(fraction=0.2, done=2, at=1)
    assert estimate.fraction == 0.2


def test_a_jump_at_the_start_does_not_shorten_the_eta() -> None:
    estimate = Estimate(at=0)
    estimate.update(fraction=0.1, done=0, at=0.1)  # a short first phase has ended
    for tenth in range(2, 61):
        estimate.update(fraction=0.1 + 0.005 * tenth, done=tenth, at=tenth / 10)
    assert estimate.eta is not None
    assert 7 < estimate.eta < 12  # 60 % at 5 % a second


def test_rate_and_eta_ignore_skipped_units() -> None:
    """40 of 60 units are skipped; the other 20 are done at two a second."""
    estimate = Estimate(at=0)
    estimate.update(fraction=40 / 60, free=40 / 60, done=40, skipped=40, at=0.1)
    for tenth in range(2, 61):
        done = 40 + tenth // 5
        free = {"free": 40 / 60, "skipped": 40}
        estimate.update(fraction=done / 60, done=done, at=tenth / 10, **free)  # type: ignore[arg-type]
    assert estimate.rate == pytest.approx(2, rel=0.15)
    assert estimate.eta == pytest.approx(4, rel=0.15)


def test_units_that_are_skipped_in_the_middle_change_neither_rate_nor_eta() -> None:
    estimate, still = Estimate(at=0), Estimate(at=0)
    for second in range(1, 20):
        still.update(fraction=second / 100, done=second, at=second)
        free = 50 if second > 10 else 0
        estimate.update(
            fraction=(second + free) / 100,
            free=free / 100,
            done=second + free,
            skipped=free,
            at=second,
        )
    assert estimate.rate == pytest.approx(still.rate)
    assert estimate.eta == pytest.approx(31)


def test_a_new_attempt_has_no_eta_until_it_has_caught_up() -> None:
    estimate = Estimate(at=0, floor=0.6)
    etas = {}
    for second in range(1, 100):
        estimate.update(fraction=second / 100, done=second, at=second)
        etas[second] = estimate.eta
    assert {etas[second] for second in range(1, 60)} == {None}
    assert all(etas[second] == pytest.approx(100 - second) for second in range(60, 100))


def test_an_unplanned_phase_has_no_eta_of_the_phase_before() -> None:
    estimate = Estimate(at=0)
    for second in range(1, 11):
        estimate.update(fraction=second / 10, done=second, at=second)
    for second in range(11, 100):
        estimate.update(fraction=0.5 + (second - 10) / 180, done=second, at=second)
        assert (estimate.fraction, estimate.eta) == (1.0, None)


def test_a_total_that_grows_restarts_the_eta() -> None:
    estimate = Estimate(at=0)
    for second in range(1, 11):
        estimate.update(fraction=second / 20, done=second, at=second)
    for second in range(11, 41):
        estimate.update(fraction=second / 40, done=second, at=second)
        assert (estimate.eta is None) is (second < 20)
    assert estimate.eta == pytest.approx(0)

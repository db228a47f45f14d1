import signal
from collections.abc import Iterator

import pytest

from picha.run.__main__ import answer_signals


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Those of the tests are as they were afterwards."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_site_as_ctrl_c_does(number: signal.Signals) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    answer_signals()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_under_nohup_a_closed_terminal_ends_nothing() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    answer_signals()
    signal.raise_signal(signal.SIGHUP)


def test_in_the_background_of_a_script_it_ends_at_sigterm_alone() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answer_signals()
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)

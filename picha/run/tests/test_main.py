import signal
from collections.abc import Iterator

import pytest

from picha.run.__main__ import handle_signals


@pytest.fixture(autouse=True)
def _restored_handlers() -> Iterator[None]:
    """Restores the signal handlers of the test process."""
    numbers = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_site_as_ctrl_c_does(number: signal.Signals) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    handle_signals()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(number)


def test_under_nohup_sighup_is_ignored() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    handle_signals()
    signal.raise_signal(signal.SIGHUP)


def test_in_the_background_of_a_script_only_sigterm_ends_the_site() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    handle_signals()
    signal.raise_signal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)

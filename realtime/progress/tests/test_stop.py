from collections.abc import Callable

import pytest

from realtime.errors import Cancelled
from realtime.models import Job
from realtime.progress.progress import Progress
from realtime.progress.stop import CANCEL_AGAIN_SECONDS, StopSignal
from realtime.tests.support.claimed_progress import claimed_progress

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("call", ["advance", "item", "phase", "check", "begin"])
def test_a_stopped_job_stops_at_its_next_call(call: str) -> None:
    progress = claimed_progress()
    progress.stop(Cancelled())
    calls: dict[str, Callable[[], object]] = {
        "advance": progress.advance,
        "item": lambda: progress.item("1", "new"),
        "phase": lambda: progress.phase("Next").__enter__(),
        "check": progress.check,
        "begin": lambda: progress.begin("1", "sending"),
    }
    with pytest.raises(Cancelled):
        calls[call]()


@pytest.mark.parametrize(
    ("seconds", "calls"), [(0, 1), (CANCEL_AGAIN_SECONDS - 1, 1), (CANCEL_AGAIN_SECONDS + 1, 2)]
)
def test_a_second_stop_gives_the_body_time_to_tidy_up(seconds: float, calls: int) -> None:
    now, called = 1000.0, []
    signal = StopSignal(clock=lambda: now)
    signal.on_stop(lambda: called.append(now))
    signal.stop(Cancelled())
    now += seconds
    signal.stop(Cancelled())
    assert len(called) == calls
    with pytest.raises(Cancelled):
        signal.check()


def test_a_function_that_is_set_after_a_stop_is_called_at_once() -> None:
    called: list[int] = []
    progress = Progress(Job(title="T"))
    progress.stop(Cancelled())
    progress.on_stop(lambda: called.append(1))
    assert called == [1]

"""The most telling faults, in every run of the tests; `make chaos` has all, and for longer."""

from collections.abc import Iterator

import pytest

from realtime.tests.chaos import faults, feedback
from realtime.tests.chaos.profiles import BRIEF
from realtime.tests.chaos.scenarios import Scenario, run
from realtime.tests.chaos.stack import Rig, running_rig
from realtime.tests.support.databases import server_url

SEED = 1

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("chaos")
    with running_rig(folder, server=server_url(), seed=SEED, settings=BRIEF.settings) as rig:
        yield rig


@pytest.mark.parametrize(
    "acts",
    [
        pytest.param([faults.kill_machine, faults.kill_child], id="workers killed"),
        pytest.param([faults.kill_web, faults.kill_redis], id="web and redis killed"),
        pytest.param([faults.freeze_redis(2)], id="redis frozen"),
        pytest.param(
            [faults.deliver_three_times, faults.flush_redis], id="too many messages, then none"
        ),
    ],
)
def test_nothing_is_lost_or_done_twice(
    rig: Rig, acts: list[faults.Act], request: pytest.FixtureRequest
) -> None:
    scenario = Scenario(name=request.node.callspec.id, acts=acts, jobs=BRIEF.jobs)
    ours, _ = run(rig, scenario, form=BRIEF, seed=SEED)
    assert not ours.broken, ours.line()
    assert ours.acknowledged >= BRIEF.jobs
    assert ours.recovery_p99_s is not None  # The faults found jobs unfinished.


def test_an_email_whose_fate_is_unknown_is_not_sent_twice(rig: Rig) -> None:
    ours, plain = feedback.run(rig, form=BRIEF, seed=SEED)
    assert not ours.broken, ours.line()
    assert ours.unknown
    assert plain.duplicated_effects  # so this test can fail

"""The most important faults, with a short load. `make chaos` runs all of them, for longer."""

from collections.abc import Iterator

import pytest

from realtime.tests.chaos import faults, feedback
from realtime.tests.chaos.profiles import BRIEF
from realtime.tests.chaos.scenarios import Scenario, run
from realtime.tests.chaos.stack import Stack, running_stack
from realtime.tests.support.databases import server_url

SEED = 1

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    folder = tmp_path_factory.mktemp("chaos")
    with running_stack(folder, server=server_url(), seed=SEED, settings=BRIEF.settings) as stack:
        yield stack


@pytest.mark.parametrize(
    "fault_functions",
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
    stack: Stack, fault_functions: list[faults.InjectFault], request: pytest.FixtureRequest
) -> None:
    scenario = Scenario(name=request.node.callspec.id, faults=fault_functions, jobs=BRIEF.jobs)
    ours, _ = run(stack, scenario, profile=BRIEF, seed=SEED)
    assert not ours.broken_promises, ours.to_json()
    assert ours.acknowledged >= BRIEF.jobs
    assert ours.recovery_p99_s is not None  # the faults interrupted jobs


def test_an_email_that_may_have_arrived_is_not_sent_twice(stack: Stack) -> None:
    ours, plain = feedback.run(stack, profile=BRIEF, seed=SEED)
    assert not ours.broken_promises, ours.to_json()
    assert ours.unknown
    assert plain.duplicated_effects  # or this test could not fail

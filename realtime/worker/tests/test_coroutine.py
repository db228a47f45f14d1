import asyncio

import pytest

from realtime.errors import Cancelled, LeaseLost, Stopped
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.worker.tests.run_body import async_task, run

pytestmark = pytest.mark.django_db


def test_a_coroutine_body_runs_to_its_end() -> None:
    async def double(self: JobTask, number: int) -> int:
        await asyncio.sleep(0)
        return 2 * number

    job = run(async_task, double, 21)
    assert (job.state, job.result) == (JobState.SUCCEEDED, 42)


def test_a_coroutine_body_has_the_progress_of_its_job() -> None:
    async def look(self: JobTask) -> None:
        async for letter in self.progress.track("ab"):
            self.progress.item(letter, "spelt")

    assert run(async_task, look).counts == {"spelt": 2}


def test_a_coroutine_body_is_cancelled_where_it_waits() -> None:
    async def stop(self: JobTask) -> None:
        self.progress.stop(Cancelled())
        await asyncio.sleep(60)

    assert run(async_task, stop).state == JobState.CANCELLED


@pytest.mark.parametrize("reason", [Cancelled(), LeaseLost()])
def test_a_stop_in_a_task_group_stops_the_body(reason: Stopped) -> None:
    async def stop(self: JobTask) -> None:
        async def step(number: int) -> None:
            if number == 3:
                self.progress.stop(reason)
            self.progress.advance()

        self.progress.on_stop(lambda: None)  # a call that does nothing, as if it came too late
        async with asyncio.TaskGroup() as group:
            for number in range(5):
                group.create_task(step(number))

    job = run(async_task, stop)
    state = JobState.CANCELLED if isinstance(reason, Cancelled) else JobState.RUNNING
    assert (job.state, job.error) == (state, "")

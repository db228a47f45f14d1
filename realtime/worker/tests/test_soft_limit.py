import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from billiard.exceptions import SoftTimeLimitExceeded
from celery import shared_task

from realtime.progress.progress import Progress
from realtime.states import JobState
from realtime.tasks import JobTask
from realtime.testing import run_task
from realtime.worker import outcome
from realtime.worker.soft_limit import cancel_at_soft_limit, soft_limit_of_body


@pytest.fixture
def soft_limit_handler() -> Iterator[None]:
    """Install the signal handler that child processes of workers have."""

    def raise_soft_limit(*_: Any) -> None:
        raise SoftTimeLimitExceeded

    before = signal.signal(signal.SIGUSR1, raise_soft_limit)
    yield
    assert signal.getsignal(signal.SIGUSR1) is raise_soft_limit
    signal.signal(signal.SIGUSR1, before)


def send_soft_limit_signal() -> None:
    os.kill(os.getpid(), signal.SIGUSR1)


def test_the_soft_limit_cancels_a_coroutine_where_it_waits(soft_limit_handler: None) -> None:
    seen: list[str] = []

    async def body() -> None:
        with cancel_at_soft_limit():
            # The signal interrupts the code of the event loop.
            asyncio.get_running_loop().call_soon(send_soft_limit_signal)
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                seen.append("cancelled")
                raise

    with pytest.raises(SoftTimeLimitExceeded):
        asyncio.run(body())
    assert seen == ["cancelled"]


def test_the_soft_limit_does_not_interrupt_other_asyncio_tasks(soft_limit_handler: None) -> None:
    async def other() -> str:
        send_soft_limit_signal()
        await asyncio.sleep(0)
        return "unharmed"

    async def body(others: "list[asyncio.Task[str]]") -> None:
        with cancel_at_soft_limit():
            others.append(asyncio.create_task(other()))
            await asyncio.sleep(60)

    async def main() -> str:
        others: list[asyncio.Task[str]] = []
        with pytest.raises(SoftTimeLimitExceeded):
            await body(others)
        return await others[0]

    assert asyncio.run(main()) == "unharmed"


def test_a_soft_limit_at_the_end_of_a_body_cancels_nothing_else(soft_limit_handler: None) -> None:
    async def main() -> str:
        with cancel_at_soft_limit():
            send_soft_limit_signal()  # and nothing more is waited for
        await asyncio.sleep(0)
        return "unharmed"

    assert asyncio.run(main()) == "unharmed"


def test_the_soft_limit_is_ignored_between_the_end_of_a_body_and_that_of_its_run(
    soft_limit_handler: None,
) -> None:
    with soft_limit_of_body() as ignore_soft_limit:
        with pytest.raises(SoftTimeLimitExceeded):
            send_soft_limit_signal()
        ignore_soft_limit()
        send_soft_limit_signal()
    with pytest.raises(SoftTimeLimitExceeded):
        send_soft_limit_signal()


@pytest.mark.django_db
def test_the_soft_limit_does_not_interrupt_the_saving_of_an_outcome(
    soft_limit_handler: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def finish(progress: Progress, result: Any) -> None:
        send_soft_limit_signal()
        real(progress, result)

    real = outcome.finish
    monkeypatch.setattr(outcome, "finish", finish)
    assert run_task(free).job.state == JobState.SUCCEEDED


def test_any_other_cancellation_is_raised_unchanged(soft_limit_handler: None) -> None:
    async def body() -> None:
        with cancel_at_soft_limit():
            raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(body())


def test_there_are_no_soft_limits_in_threads(soft_limit_handler: None) -> None:
    done: list[int] = []

    async def body() -> None:
        with cancel_at_soft_limit():
            done.append(1)

    thread = threading.Thread(target=lambda: asyncio.run(body()))
    thread.start()
    thread.join(10)
    assert done == [1]


@shared_task(base=JobTask, name="test.soft_limit.free")
def free() -> None:
    pass

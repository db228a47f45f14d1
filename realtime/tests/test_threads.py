import asyncio
import threading

import pytest
from django.db import connection

from realtime.threads import SerialThread


async def test_a_call_returns_the_result_of_its_function() -> None:
    thread = SerialThread("test")
    assert await thread.call(lambda number: number + 1, 41) == 42
    thread.close()


async def test_a_call_raises_the_exception_of_its_function() -> None:
    thread = SerialThread("test")
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0)
    assert await thread.call(lambda: 7) == 7
    thread.close()


@pytest.mark.django_db(transaction=True)
async def test_an_exception_in_a_transaction_does_not_leave_it_open() -> None:
    def fail_in_transaction() -> None:
        connection.set_autocommit(False)
        raise ZeroDivisionError

    thread = SerialThread("test")
    with pytest.raises(ZeroDivisionError):
        await thread.call(fail_in_transaction)
    assert await thread.call(connection.get_autocommit)
    thread.close()


async def test_all_calls_run_in_one_thread() -> None:
    thread, threads = SerialThread("test"), []
    await asyncio.gather(
        *(thread.call(lambda: threads.append(threading.get_ident())) for _ in range(5))
    )
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
    thread.close()


async def test_a_cancelled_caller_does_not_affect_other_calls() -> None:
    thread, released = SerialThread("test"), threading.Event()
    cancelled = asyncio.create_task(thread.call(released.wait, 60))
    await asyncio.sleep(0)
    cancelled.cancel()
    released.set()
    assert await thread.call(lambda: 7) == 7
    thread.close()


def test_a_closed_event_loop_does_not_end_the_thread() -> None:
    thread, released, done = SerialThread("test"), threading.Event(), threading.Event()

    async def ask() -> None:
        task = asyncio.create_task(thread.call(released.wait, 60))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(ask())
    released.set()
    asyncio.run(thread.call(done.set))
    assert done.is_set()
    thread.close()

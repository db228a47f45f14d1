import asyncio
import threading

import pytest
from django.db import connection

from realtime.threads import SerialThread


async def test_it_returns_what_the_call_returns() -> None:
    hand = SerialThread("test")
    assert await hand.call(lambda number: number + 1, 41) == 42
    hand.close()


async def test_it_raises_what_the_call_raises() -> None:
    hand = SerialThread("test")
    with pytest.raises(ZeroDivisionError):
        await hand.call(lambda: 1 // 0)
    assert await hand.call(lambda: 7) == 7  # and goes on
    hand.close()


@pytest.mark.django_db(transaction=True)
async def test_what_breaks_in_a_transaction_does_not_leave_it_open() -> None:
    def begin_and_break() -> None:
        connection.set_autocommit(False)
        raise ZeroDivisionError

    hand = SerialThread("test")
    with pytest.raises(ZeroDivisionError):
        await hand.call(begin_and_break)
    assert await hand.call(connection.get_autocommit)
    hand.close()


async def test_calls_run_one_after_the_other_in_one_thread() -> None:
    hand, threads = SerialThread("test"), []
    await asyncio.gather(
        *(hand.call(lambda: threads.append(threading.get_ident())) for _ in range(5))
    )
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
    hand.close()


async def test_whoever_stops_waiting_disturbs_nobody() -> None:
    hand, go = SerialThread("test"), threading.Event()
    impatient = asyncio.create_task(hand.call(go.wait, 60))
    await asyncio.sleep(0)
    impatient.cancel()
    go.set()
    assert await hand.call(lambda: 7) == 7
    hand.close()


def test_a_loop_that_has_ended_meanwhile_is_no_fault() -> None:
    hand, go, done = SerialThread("test"), threading.Event(), threading.Event()

    async def ask() -> None:
        task = asyncio.create_task(hand.call(go.wait, 60))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(ask())
    go.set()
    asyncio.run(hand.call(done.set))  # the thread goes on
    assert done.is_set()
    hand.close()

import asyncio
import threading

import pytest
from django.db import connection

from realtime.hand import Hand


async def test_it_returns_what_the_call_returns() -> None:
    hand = Hand("test")
    assert await hand.do(lambda number: number + 1, 41) == 42
    hand.close()


async def test_it_raises_what_the_call_raises() -> None:
    hand = Hand("test")
    with pytest.raises(ZeroDivisionError):
        await hand.do(lambda: 1 // 0)
    assert await hand.do(lambda: 7) == 7  # and goes on
    hand.close()


@pytest.mark.django_db(transaction=True)
async def test_what_breaks_in_a_transaction_does_not_leave_it_open() -> None:
    def begin_and_break() -> None:
        connection.set_autocommit(False)
        raise ZeroDivisionError

    hand = Hand("test")
    with pytest.raises(ZeroDivisionError):
        await hand.do(begin_and_break)
    assert await hand.do(connection.get_autocommit)
    hand.close()


async def test_calls_run_one_after_the_other_in_one_thread() -> None:
    hand, threads = Hand("test"), []
    await asyncio.gather(
        *(hand.do(lambda: threads.append(threading.get_ident())) for _ in range(5))
    )
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()
    hand.close()


async def test_whoever_stops_waiting_disturbs_nobody() -> None:
    hand, go = Hand("test"), threading.Event()
    impatient = asyncio.create_task(hand.do(go.wait, 60))
    await asyncio.sleep(0)
    impatient.cancel()
    go.set()
    assert await hand.do(lambda: 7) == 7
    hand.close()


def test_a_loop_that_has_ended_meanwhile_is_no_fault() -> None:
    hand, go, done = Hand("test"), threading.Event(), threading.Event()

    async def ask() -> None:
        task = asyncio.create_task(hand.do(go.wait, 60))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(ask())
    go.set()
    asyncio.run(hand.do(done.set))  # the thread goes on
    assert done.is_set()
    hand.close()

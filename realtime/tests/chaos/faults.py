"""What happens to the stack while it works; each returns when it is over."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Final
from uuid import uuid4

from realtime.tests.chaos import effects
from realtime.tests.chaos.audit import Fault
from realtime.tests.chaos.processes import SupervisedProcess, nap
from realtime.tests.chaos.profiles import Form
from realtime.tests.chaos.stack import QUEUE, Rig
from realtime.tests.support.polling import until

Act = Callable[[Rig, Form, Random], Fault]


def kill_worker(rig: Rig, form: Form, random: Random) -> Fault:
    """Its main process, while its children work."""
    at_work(rig, random)[0].kill()
    return Fault(ended_at=time.time(), kills=1)


def kill_child(rig: Rig, form: Form, random: Random) -> Fault:
    """In the middle of an effect."""
    os.kill(at_work(rig, random)[1], signal.SIGKILL)
    return Fault(ended_at=time.time(), kills=1)


def kill_machine(rig: Rig, form: Form, random: Random) -> Fault:
    """A worker and its children, all at once."""
    at_work(rig, random)[0].signal_all(signal.SIGKILL)
    return Fault(ended_at=time.time(), kills=1)


def at_work(rig: Rig, random: Random) -> tuple[SupervisedProcess, int]:
    """A worker and one of its children that has begun an effect and not ended the body.

    Chance says whose, Picha's or plain Celery's: what dies is not always one and the same's.
    """
    kind = random.choice(["-tracked-", "-plain-"])

    def look() -> list[tuple[SupervisedProcess, int]]:
        tokens = effects.at_work(rig.effects)
        found = ((worker, pid) for worker in rig.workers for pid in worker.children())
        return [(worker, pid) for worker, pid in found if kind in tokens.get(pid, "")]

    return random.choice(until(look, within=60, what="somebody is at work"))


def kill_redis(rig: Rig, form: Form, random: Random) -> Fault:
    rig.valkey.kill()
    return Fault(ended_at=time.time(), kills=1)


def kill_web(rig: Rig, form: Form, random: Random) -> Fault:
    """Between commit and publish: Redis is frozen, so nothing that is committed is published."""
    rig.valkey.signal_all(signal.SIGSTOP)
    nap(1)
    rig.web.kill()
    nap(0.2)
    rig.valkey.signal_all(signal.SIGCONT)
    return Fault(ended_at=time.time(), kills=1)


def freeze_redis(seconds: float) -> Act:
    def freeze(rig: Rig, form: Form, random: Random) -> Fault:
        rig.valkey.signal_all(signal.SIGSTOP)
        nap(seconds)
        rig.valkey.signal_all(signal.SIGCONT)
        return Fault(ended_at=time.time())

    return freeze


def freeze_worker(rig: Rig, form: Form, random: Random) -> Fault:
    """Past its lease: when it wakes up, others have its jobs."""
    worker = at_work(rig, random)[0]
    worker.signal_all(signal.SIGSTOP)
    nap(form.stall)
    worker.signal_all(signal.SIGCONT)
    return Fault(ended_at=time.time())


def flush_redis(rig: Rig, form: Form, random: Random) -> Fault:
    """While messages wait."""
    with held(rig.workers), rig.redis() as redis:
        redis.flushall()
    return Fault(ended_at=time.time())


def deliver_three_times(rig: Rig, form: Form, random: Random) -> Fault:
    with held(rig.workers), rig.redis() as redis:
        waiting = [json.loads(message) for message in list(redis.lrange(QUEUE, 0, -1))]
        for message in waiting * 2:
            message["properties"]["delivery_tag"] = str(uuid4())
            redis.rpush(QUEUE, json.dumps(message))
    return Fault(ended_at=time.time())


@contextmanager
def held(workers: Iterable[SupervisedProcess]) -> Iterator[None]:
    """So long that messages gather, and shorter than any lease."""
    for worker in workers:
        worker.signal_all(signal.SIGSTOP)
    try:
        nap(1.5)
        yield
    finally:
        for worker in workers:
            worker.signal_all(signal.SIGCONT)


def lock_database(rig: Rig, form: Form, random: Random) -> Fault:
    with rig.rows.locked():
        nap(form.lock)
    return Fault(ended_at=time.time())


def hang_up(rig: Rig, form: Form, random: Random) -> Fault:
    """In the middle of an effect, PostgreSQL ends all connections."""
    at_work(rig, random)
    rig.rows.hang_up()
    return Fault(ended_at=time.time())


KILLS: Final[tuple[Act, ...]] = (kill_worker, kill_child, kill_machine, kill_redis, kill_web)
"""Each of them is a signal 9."""

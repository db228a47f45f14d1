"""Faults: functions that disturb the stack while it works.

A scenario calls them. Each returns when its fault has ended.
"""

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
from realtime.tests.chaos.processes import SupervisedProcess, pause
from realtime.tests.chaos.profiles import Profile
from realtime.tests.chaos.stack import QUEUE, Stack
from realtime.tests.support.polling import until

InjectFault = Callable[[Stack, Profile, Random], Fault]


def kill_worker(stack: Stack, profile: Profile, random: Random) -> Fault:
    """Kills the main process of a worker while its child processes work."""
    working_process(stack, random)[0].kill()
    return Fault(ended_at=time.time(), kills=1)


def kill_child(stack: Stack, profile: Profile, random: Random) -> Fault:
    """Kills a child process of a worker in the middle of an effect."""
    os.kill(working_process(stack, random)[1], signal.SIGKILL)
    return Fault(ended_at=time.time(), kills=1)


def kill_machine(stack: Stack, profile: Profile, random: Random) -> Fault:
    """Kills a worker and all its child processes at once, as if the machine had lost power."""
    working_process(stack, random)[0].signal_all(signal.SIGKILL)
    return Fault(ended_at=time.time(), kills=1)


def working_process(stack: Stack, random: Random) -> tuple[SupervisedProcess, int]:
    """A worker and the id of its child process that has begun an effect and not ended the task.

    Chooses at random between Picha's jobs and plain tasks, so that both suffer the fault.
    """
    kind = random.choice(["-tracked-", "-plain-"])

    def working_processes() -> list[tuple[SupervisedProcess, int]]:
        tokens = effects.tokens_at_work(stack.effects)
        processes = ((worker, pid) for worker in stack.workers for pid in worker.children())
        return [(worker, pid) for worker, pid in processes if kind in tokens.get(pid, "")]

    return random.choice(
        until(working_processes, within=60, what=f"a child works on a {kind} task")
    )


def kill_redis(stack: Stack, profile: Profile, random: Random) -> Fault:
    stack.valkey.kill()
    return Fault(ended_at=time.time(), kills=1)


def kill_web(stack: Stack, profile: Profile, random: Random) -> Fault:
    """Kills the web process between commit and publish, while Redis is frozen."""
    stack.valkey.signal_all(signal.SIGSTOP)
    pause(1)
    stack.web.kill()
    pause(0.2)
    stack.valkey.signal_all(signal.SIGCONT)
    return Fault(ended_at=time.time(), kills=1)


def freeze_redis(seconds: float) -> InjectFault:
    def freeze(stack: Stack, profile: Profile, random: Random) -> Fault:
        stack.valkey.signal_all(signal.SIGSTOP)
        pause(seconds)
        stack.valkey.signal_all(signal.SIGCONT)
        return Fault(ended_at=time.time())

    return freeze


def freeze_worker(stack: Stack, profile: Profile, random: Random) -> Fault:
    """Freezes a worker for longer than its lease: other workers take its jobs meanwhile."""
    worker = working_process(stack, random)[0]
    worker.signal_all(signal.SIGSTOP)
    pause(profile.worker_freeze_seconds)
    worker.signal_all(signal.SIGCONT)
    return Fault(ended_at=time.time())


def flush_redis(stack: Stack, profile: Profile, random: Random) -> Fault:
    """Deletes all messages that wait."""
    with stopped_workers(stack.workers), stack.redis() as redis:
        redis.flushall()
    return Fault(ended_at=time.time())


def deliver_three_times(stack: Stack, profile: Profile, random: Random) -> Fault:
    with stopped_workers(stack.workers), stack.redis() as redis:
        messages = [json.loads(message) for message in list(redis.lrange(QUEUE, 0, -1))]
        for message in messages * 2:
            message["properties"]["delivery_tag"] = str(uuid4())
            redis.rpush(QUEUE, json.dumps(message))
    return Fault(ended_at=time.time())


@contextmanager
def stopped_workers(workers: Iterable[SupervisedProcess]) -> Iterator[None]:
    """Stops them long enough for messages to collect, but for less than any lease."""
    for worker in workers:
        worker.signal_all(signal.SIGSTOP)
    try:
        pause(1.5)
        yield
    finally:
        for worker in workers:
            worker.signal_all(signal.SIGCONT)


def lock_database(stack: Stack, profile: Profile, random: Random) -> Fault:
    with stack.database.locked():
        pause(profile.lock_seconds)
    return Fault(ended_at=time.time())


def close_database_connections(stack: Stack, profile: Profile, random: Random) -> Fault:
    """PostgreSQL closes all connections in the middle of an effect."""
    working_process(stack, random)
    stack.database.close_connections()
    return Fault(ended_at=time.time())


KILLS: Final[tuple[InjectFault, ...]] = (
    kill_worker,
    kill_child,
    kill_machine,
    kill_redis,
    kill_web,
)
"""The faults that kill a process by SIGKILL."""

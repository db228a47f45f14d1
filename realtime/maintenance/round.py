"""A round of maintenance: repairs what dead processes and lost messages leave behind.

The bus of every worker's main process runs a round every `REALTIME_RECOVER_INTERVAL` seconds. It is
not a periodic task, because such a task would wait in the queue behind the very jobs that occupy
the worker. Each step is a conditional UPDATE, so any number of workers may run it at once. If one
step fails, the others still run.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Final

from kombu.exceptions import OperationalError

from realtime.batches.rollup import roll_up_ended
from realtime.database import DATABASE_ERRORS
from realtime.jobs import outbox
from realtime.maintenance.relay import forget_lost_messages, relay
from realtime.maintenance.rescue import expire, rescue
from realtime.threads import SerialThread

log: Final = logging.getLogger(__name__)

Step = Callable[[int], int]
"""A function that handles at most this many jobs and returns how many there were."""

STEPS: Final[Sequence[Step]] = (rescue, expire, roll_up_ended, forget_lost_messages, relay)
CHUNK_SIZE: Final = 500
"""Jobs that one call of a step handles."""
CALLS_MAX: Final = 40
"""Calls of one step in a round: a step that cannot repair a job would find it again for ever."""
CONNECTION_ERRORS: Final = (*DATABASE_ERRORS, OSError, OperationalError, outbox.BrokerDown)


async def run_maintenance(
    thread: SerialThread,
    *,
    steps: Sequence[Step] = STEPS,
    chunk_size: int = CHUNK_SIZE,
    calls_max: int = CALLS_MAX,
) -> None:
    """Run each step until it finds less than `chunk_size` jobs, or `calls_max` times.

    Each call is one call of `thread`, so that others may use the thread in between.
    """
    for step in steps:
        try:
            await _run_step(step, thread, chunk_size=chunk_size, calls_max=calls_max)
        except CONNECTION_ERRORS as error:
            log.warning("Maintenance step %s waits for the next round: %r", step.__name__, error)
        except Exception:
            log.exception("Maintenance step %s failed", step.__name__)


async def _run_step(step: Step, thread: SerialThread, *, chunk_size: int, calls_max: int) -> None:
    for _ in range(calls_max):
        if await thread.call(step, chunk_size) < chunk_size:
            return

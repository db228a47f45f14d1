"""How many watchers one web process carries: all hear of 2 updates a second within 1 s (p99).

`python -m realtime.benchmarks.capacity SECONDS MOST`: each number is tried for so long, from a
few on, until one is too many or MOST is reached.
"""

import sys
import time
from collections.abc import Callable
from typing import Any, Final

from realtime.benchmarks.report import is_wanted, line
from realtime.benchmarks.web_server import (
    POLLED,
    POLLED_SETTINGS,
    SERVERS,
    Helper,
    crowd_of,
    helper,
    serving,
)

HERTZ: Final = 2
BOUND: Final = 1.0
LEAST_HEARD: Final = 0.95
"""Of the updates; polling every half second misses some that follow one another closely."""
GROWTH: Final = 1.35


def main(*, seconds: float, most: int) -> None:
    with helper("publisher") as publisher:
        job = str(publisher.ask("make")["job"])
        for name in filter(is_wanted, ("uvicorn", "daphne")):
            with serving(POLLED[name], **POLLED_SETTINGS) as web:
                publish = trial(publisher, "record", seconds)
                with helper("polling_clients", str(web.port), f"/progress/{job}") as pollers:
                    polled = carried(pollers, publish, first=10, most=most)
            with serving(SERVERS[name]) as web, crowd_of(SERVERS[name], web, job) as crowd:
                publish = trial(publisher, "hub", seconds)
                first = min(10 * int(polled) or 10, most)
                ours = carried(crowd, publish, first=first, most=most)
            line(
                bench="capacity",
                case=f"{name}, {HERTZ} updates/s, p99 <= {BOUND:g} s",
                metric="watchers",
                value=ours,
                baseline="celery-progress",
                baseline_value=polled,
            )


def trial(publisher: Helper, how: str, seconds: float) -> Callable[[], int]:
    return lambda: int(publisher.ask(how, HERTZ, seconds)["published"])


def carried(crowd: Helper, publish: Callable[[], int], *, first: int, most: int) -> int:
    """The greatest number that was tried and not too many."""
    here, wanted, good = 0, first, 0
    while wanted <= most:
        crowd.ask("more", wanted - here)
        here = wanted
        time.sleep(BOUND)
        crowd.ask("count")
        due = publish() * here
        crowd.settle(due, within=BOUND)
        if not _is_good(crowd.ask("report"), due):
            break
        good, wanted = here, int(wanted * GROWTH) + 1
    return good


def _is_good(seen: dict[str, Any], due: int) -> bool:
    return bool(seen["p99"] <= BOUND and seen["frames"] >= LEAST_HEARD * due)


if __name__ == "__main__":
    main(seconds=float(sys.argv[1]), most=int(sys.argv[2]))

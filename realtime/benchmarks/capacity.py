"""Capacity: how many clients one web process can serve with 2 updates a second, in time.

`python -m realtime.benchmarks.capacity SECONDS MAXIMUM`: it tries more and more clients, each
number for SECONDS, until the p99 of the delay is over one second or MAXIMUM is reached.
"""

import sys
import time
from collections.abc import Callable
from typing import Any, Final

from realtime.benchmarks.helper_process import Helper, running_clients, running_helper
from realtime.benchmarks.report import is_selected, print_result
from realtime.benchmarks.web_server import (
    CELERY_PROGRESS_SERVERS,
    CELERY_PROGRESS_SETTINGS,
    SERVERS,
    running_server,
)

HERTZ: Final = 2
DELAY_MAX: Final = 1.0
RECEIVED_MIN: Final = 0.95
"""The share of the updates. Polling every half second misses an update if the next comes soon."""
GROWTH: Final = 1.35
POLLING_CLIENTS_MIN: Final = 10


def main(*, seconds: float, maximum: int) -> None:
    with running_helper("publisher") as publisher:
        job = str(publisher.ask("make")["job"])
        for name in filter(is_selected, ("uvicorn", "daphne")):
            polling = count_polling_clients(name, publisher, job, seconds=seconds, maximum=maximum)
            ours = count_clients(
                name,
                publisher,
                job,
                first=min(10 * polling or 10, maximum),
                seconds=seconds,
                maximum=maximum,
            )
            print_result(
                bench="capacity",
                case=f"{name}, {HERTZ} updates/s, p99 <= {DELAY_MAX:g} s",
                metric="clients",
                value=ours,
                baseline="celery-progress",
                baseline_value=polling,
            )


def count_polling_clients(
    name: str, publisher: Helper, job: str, *, seconds: float, maximum: int
) -> int:
    server = CELERY_PROGRESS_SERVERS[name]
    with (
        running_server(server, **CELERY_PROGRESS_SETTINGS) as web,
        running_helper("polling_clients", str(web.port), f"/progress/{job}") as clients,
    ):
        publish = publishing(publisher, server.publish, seconds)
        return largest_count(clients, publish, first=POLLING_CLIENTS_MIN, maximum=maximum)


def count_clients(
    name: str, publisher: Helper, job: str, *, first: int, seconds: float, maximum: int
) -> int:
    server = SERVERS[name]
    with running_server(server) as web, running_clients(server, web, job) as clients:
        publish = publishing(publisher, server.publish, seconds)
        return largest_count(clients, publish, first=first, maximum=maximum)


def publishing(publisher: Helper, how: str, seconds: float) -> Callable[[], int]:
    """A function that publishes for so long and returns the number of updates."""
    return lambda: int(publisher.ask(how, HERTZ, seconds)["published"])


def largest_count(clients: Helper, publish: Callable[[], int], *, first: int, maximum: int) -> int:
    """The largest of the tried numbers of clients that was served in time; 0 if none was."""
    connected, count, largest = 0, first, 0
    while count <= maximum:
        clients.ask("connect", count - connected)
        connected = count
        time.sleep(DELAY_MAX)
        clients.ask("reset")
        frames = publish() * connected
        clients.wait_for_frames(frames, at_most=DELAY_MAX)
        if not is_in_time(clients.ask("report"), frames):
            break
        largest, count = connected, int(count * GROWTH) + 1
    return largest


def is_in_time(report: dict[str, Any], frames: int) -> bool:
    return bool(report["p99"] <= DELAY_MAX and report["frames"] >= RECEIVED_MIN * frames)


if __name__ == "__main__":
    main(seconds=float(sys.argv[1]), maximum=int(sys.argv[2]))

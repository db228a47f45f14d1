"""What one job at 10 Hz costs a web process that has many watchers, and when they hear of it; and
how long a page takes meanwhile, when single events go to a crowd.

`python -m realtime.benchmarks.fanout SECONDS PATIENCE ROUNDS CROWD SOCKETS...`: pages are asked
for beside the crowd; the job goes to each number of sockets. What is still on the way PATIENCE
seconds after the last publication does not count.
"""

import os
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final

from realtime.benchmarks.pages import measure_pages
from realtime.benchmarks.report import is_wanted, line
from realtime.benchmarks.site import run
from realtime.benchmarks.web_server import (
    SERVERS,
    Helper,
    Server,
    at_most,
    crowd_of,
    helper,
    serving,
)

HERTZ: Final = 10
WARMING: Final = 1.0
"""Seconds of publishing before anything is counted, at most."""
LIMIT: Final = 120
"""Seconds after which the measurement of one server is given up."""
Found = dict[str, float]
Compared = Mapping[str, Sequence[str]]

FANNED_OUT: Final[Compared] = {
    "daphne": ("idiomatic on daphne",),
    "uvicorn": ("idiomatic on uvicorn", "websockets.broadcast"),
}
BESIDE_PAGES: Final[Compared] = {
    "daphne": ("idiomatic on daphne",),
    "uvicorn": ("idiomatic on uvicorn",),
}


def main(
    *, seconds: float, patience: float, rounds: int, crowd: int, crowds: Sequence[int]
) -> None:
    with helper("publisher") as publisher:
        job = str(publisher.ask("make")["job"])

        def fanned_out(server: Server, sockets: int) -> Found:
            return measure(
                server, publisher, job, sockets=sockets, seconds=seconds, patience=patience
            )

        def beside_pages(server: Server, sockets: int) -> Found:
            return measure_pages(
                server, publisher, job, sockets=sockets, seconds=seconds, patience=patience
            )

        for sockets in crowds:
            compare(f"{sockets}x{HERTZ}Hz", FANNED_OUT, fanned_out, sockets, rounds)
        run(dict(os.environ), "manage.py", "collectstatic", "--no-input", "-v0")
        compare(f"pages beside {crowd} sockets", BESIDE_PAGES, beside_pages, crowd, rounds)


def compare(
    case: str,
    compared: Compared,
    measured: Callable[[Server, int], Found],
    sockets: int,
    rounds: int,
) -> None:
    wanted = {ours: them for ours, them in compared.items() if is_wanted(f"{ours}, {case}")}
    found: dict[str, list[Found]] = defaultdict(list)
    late: set[str] = set()
    names = [name for ours, them in wanted.items() for name in (ours, *them)]
    for _ in range(rounds):
        for name in names:
            if name in late:
                continue
            try:
                with at_most(LIMIT):
                    found[name].append(measured(SERVERS[name], sockets))
            except TimeoutError:
                if name in wanted:
                    raise
                late.add(name)
    for ours, them in wanted.items():
        for baseline in them:
            report(
                f"{ours}, {case}",
                found[ours],
                baseline,
                [] if baseline in late else found[baseline],
            )


def report(case: str, ours: Sequence[Found], baseline: str, theirs: Sequence[Found]) -> None:
    for metric in ours[0]:
        line(
            bench="fanout",
            case=case,
            metric=metric,
            value=median(found[metric] for found in ours),
            baseline=baseline if theirs else f"{baseline}: timed out after {LIMIT} s",
            baseline_value=median(found[metric] for found in theirs) if theirs else 0.0,
        )


def measure(
    server: Server, publisher: Helper, job: str, *, sockets: int, seconds: float, patience: float
) -> Found:
    warming = min(WARMING, seconds)
    with serving(server) as web, crowd_of(server, web, job) as crowd:
        crowd.ask("more", 1)
        publisher.ask(server.publish, HERTZ, warming)
        before = web.memory
        connected = crowd.ask("more", sockets - 1)
        crowd.ask("count")
        published = publisher.ask(server.publish, HERTZ, warming)["published"]
        crowd.settle(published * sockets, within=patience)
        crowd.ask("count")
        memory, cpu = web.memory, web.cpu
        published = publisher.ask(server.publish, HERTZ, seconds)["published"]
        crowd.settle(published * sockets, within=patience)
        seen, cpu = crowd.ask("report"), web.cpu - cpu
    return {
        "cpu_per_frame_us": cpu / max(1, seen["frames"]) * 1e6,
        "delivered_percent": 100 * seen["frames"] / (published * sockets),
        "current_percent": 100 * seen["current"] / sockets,
        "p50_ms": seen["p50"] * 1000,
        "p99_ms": seen["p99"] * 1000,
        "memory_per_socket_kib": max(0.1, (memory - before) / (sockets - 1) / 1024),
        "connected_percent": 100 * (sockets - connected["failed"] - seen["lost"]) / sockets,
        "connect_s": connected["seconds"],
    }


if __name__ == "__main__":
    main(
        seconds=float(sys.argv[1]),
        patience=float(sys.argv[2]),
        rounds=int(sys.argv[3]),
        crowd=int(sys.argv[4]),
        crowds=[int(word) for word in sys.argv[5:]],
    )

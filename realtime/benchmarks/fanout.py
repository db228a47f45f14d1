"""Fan-out: what it costs a web process to send the updates of one job to many clients.

`python -m realtime.benchmarks.fanout SECONDS GRACE ROUNDS PAGE_CLIENTS CLIENTS...`: for each number
of CLIENTS it publishes 10 updates a second. With PAGE_CLIENTS it also measures how long a page
takes while few updates go to many clients. Updates that arrive more than GRACE seconds after the
last publication do not count.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Final

from realtime.benchmarks.helper_process import Helper, running_clients, running_helper
from realtime.benchmarks.pages import measure_pages
from realtime.benchmarks.report import is_selected, print_result
from realtime.benchmarks.site import run
from realtime.benchmarks.time_limit import at_most
from realtime.benchmarks.web_server import SERVERS, Server, running_server

HERTZ: Final = 10
WARM_UP_MAX: Final = 1.0
"""Seconds of publishing before the measurement begins, at most."""
LIMIT: Final = 120
"""Seconds for the measurement of one server; after that it is given up."""
Metrics = dict[str, float]
Baselines = Mapping[str, Sequence[str]]
"""For each of our servers, the servers that it is compared with."""

FANOUT_BASELINES: Final[Baselines] = {
    "daphne": ("Channels consumer on daphne",),
    "uvicorn": ("Channels consumer on uvicorn", "websockets.broadcast"),
}
PAGE_BASELINES: Final[Baselines] = {
    "daphne": ("Channels consumer on daphne",),
    "uvicorn": ("Channels consumer on uvicorn",),
}


def main(
    *, seconds: float, grace: float, rounds: int, page_clients: int, clients: Sequence[int]
) -> None:
    with running_helper("publisher") as publisher:
        job = str(publisher.ask("make")["job"])

        def fanout(server: Server, count: int) -> Metrics:
            return measure(server, publisher, job, count=count, seconds=seconds, grace=grace)

        def pages(server: Server, count: int) -> Metrics:
            return measure_pages(server, publisher, job, count=count, seconds=seconds, grace=grace)

        for count in clients:
            compare(f"{count}x{HERTZ}Hz", FANOUT_BASELINES, fanout, count, rounds)
        run(dict(os.environ), "manage.py", "collectstatic", "--no-input", "-v0")
        case = f"pages beside {page_clients} sockets"
        compare(case, PAGE_BASELINES, pages, page_clients, rounds)


def compare(
    case: str,
    baselines: Baselines,
    measure: Callable[[Server, int], Metrics],
    count: int,
    rounds: int,
    *,
    limit: int = LIMIT,
) -> None:
    """Measures the servers in turns and prints the medians.

    Raises:
        TimeoutError: one of our servers took longer than `limit` seconds. A baseline may do so.
    """
    selected = {ours: them for ours, them in baselines.items() if is_selected(f"{ours}, {case}")}
    results = measure_in_turns(
        selected, lambda server: measure(server, count), rounds=rounds, limit=limit
    )
    for ours, them in selected.items():
        for baseline in them:
            theirs = results.get(baseline, [])
            label = baseline if theirs else f"{baseline}: timed out after {limit} s"
            print_medians(f"{ours}, {case}", results[ours], label, theirs)


def measure_in_turns(
    baselines: Baselines, measure: Callable[[Server], Metrics], *, rounds: int, limit: int
) -> dict[str, list[Metrics]]:
    """The metrics of each round by server, without the baselines that took too long."""
    results: dict[str, list[Metrics]] = {
        name: [] for ours, them in baselines.items() for name in (ours, *them)
    }
    for _ in range(rounds):
        for name in list(results):
            try:
                with at_most(limit):
                    results[name].append(measure(SERVERS[name]))
            except TimeoutError:
                if name in baselines:
                    raise
                del results[name]
    return results


def print_medians(
    case: str, ours: Sequence[Metrics], baseline: str, theirs: Sequence[Metrics]
) -> None:
    for metric in ours[0]:
        print_result(
            bench="fanout",
            case=case,
            metric=metric,
            value=median(metrics[metric] for metrics in ours),
            baseline=baseline,
            baseline_value=median(metrics[metric] for metrics in theirs) if theirs else 0.0,
        )


def measure(
    server: Server, publisher: Helper, job: str, *, count: int, seconds: float, grace: float
) -> Metrics:
    warm_up = min(WARM_UP_MAX, seconds)
    with running_server(server) as web, running_clients(server, web, job) as clients:
        clients.ask("connect", 1)
        publisher.ask(server.publish, HERTZ, warm_up)
        memory_before = web.memory
        connected = clients.ask("connect", count - 1)
        clients.ask("reset")
        published = publisher.ask(server.publish, HERTZ, warm_up)["published"]
        clients.wait_for_frames(published * count, at_most=grace)
        clients.ask("reset")
        memory, cpu_before = web.memory, web.cpu_seconds
        published = publisher.ask(server.publish, HERTZ, seconds)["published"]
        clients.wait_for_frames(published * count, at_most=grace)
        received, cpu = clients.ask("report"), web.cpu_seconds - cpu_before
    return {
        "cpu_per_frame_us": cpu / max(1, received["frames"]) * 1e6,
        "delivered_percent": 100 * received["frames"] / (published * count),
        "current_percent": 100 * received["current"] / count,
        "p50_ms": received["p50"] * 1000,
        "p99_ms": received["p99"] * 1000,
        "memory_per_socket_kib": max(0.1, (memory - memory_before) / (count - 1) / 1024),
        "connected_percent": 100 * (count - connected["failed"] - received["lost"]) / count,
        "connect_s": connected["seconds"],
    }


if __name__ == "__main__":
    main(
        seconds=float(sys.argv[1]),
        grace=float(sys.argv[2]),
        rounds=int(sys.argv[3]),
        page_clients=int(sys.argv[4]),
        clients=[int(word) for word in sys.argv[5:]],
    )

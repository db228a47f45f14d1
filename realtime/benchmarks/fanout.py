"""What one job at 10 Hz costs a web process that has many watchers, and when they hear of it; and
how long a page takes meanwhile, when single events go to a crowd.

`python -m realtime.benchmarks.fanout SECONDS ROUNDS CROWD SOCKETS...`: pages are asked for beside
the crowd; the job goes to each number of sockets.
"""

import os
import sys
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import AbstractContextManager
from http import HTTPStatus
from http.client import HTTPConnection
from statistics import median, quantiles
from time import monotonic
from typing import Final

from realtime.benchmarks.lines import line
from realtime.benchmarks.site import run
from realtime.benchmarks.web import SERVERS, Helper, Server, Web, helper, serving
from realtime.tests.polling import until

HERTZ: Final = 10
REST: Final = 1.0
"""Seconds in which what is on the way may still arrive."""
EVENTS: Final = 0.25
"""Events a second, when pages are asked for."""
EVENTS_FOR: Final = 3
"""Times longer than the job is shown."""
PAGE_EVERY: Final = 0.04
BESIDE_PAGES: Final = ("uvicorn", "idiomatic on uvicorn", "daphne", "idiomatic on daphne")
Found = dict[str, float]

COMPARED: Final = {
    "daphne": ("idiomatic on daphne",),
    "uvicorn": ("idiomatic on uvicorn", "websockets.broadcast"),
}


def main(*, seconds: float, rounds: int, crowd: int, crowds: list[int]) -> None:
    with helper("publisher") as publisher:
        job = str(publisher.ask("make")["job"])
        for sockets in crowds:
            found: dict[str, list[Found]] = defaultdict(list)
            for _ in range(rounds):
                for name, server in SERVERS.items():
                    result = measure(server, publisher, job, sockets=sockets, seconds=seconds)
                    found[name].append(result)
            report(f"{sockets}x{HERTZ}Hz", middles(found))
        run(dict(os.environ), "manage.py", "collectstatic", "--no-input", "-v0")
        found = defaultdict(list)
        for _ in range(rounds):
            for name, server in SERVERS.items():
                if name in BESIDE_PAGES:
                    found[name].append(
                        measure_pages(server, publisher, job, sockets=crowd, seconds=seconds)
                    )
        report(f"{crowd} sockets, an event every {1 / EVENTS:g} s", middles(found))


def middles(found: Mapping[str, list[Found]]) -> dict[str, Found]:
    return {
        name: {metric: median(result[metric] for result in results) for metric in results[0]}
        for name, results in found.items()
    }


def report(case: str, found: Mapping[str, Found]) -> None:
    for ours, baselines in COMPARED.items():
        for baseline in baselines:
            for metric, value in found[ours].items() if baseline in found else ():
                line(
                    bench="fanout",
                    case=f"{ours}, {case}",
                    metric=metric,
                    value=value,
                    baseline=baseline,
                    baseline_value=found[baseline][metric],
                )


def measure(server: Server, publisher: Helper, job: str, *, sockets: int, seconds: float) -> Found:
    with serving(server) as web, crowd_of(server, web, job) as crowd:
        crowd.ask("more", 1)
        publisher.ask(server.publish, HERTZ, REST)
        before = web.memory
        connected = crowd.ask("more", sockets - 1)
        publisher.ask(server.publish, HERTZ, REST)
        time.sleep(REST)
        crowd.ask("count")
        memory, cpu = web.memory, web.cpu
        published = publisher.ask(server.publish, HERTZ, seconds)["published"]
        time.sleep(REST)
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


def measure_pages(
    server: Server, publisher: Helper, job: str, *, sockets: int, seconds: float
) -> Found:
    with serving(server) as web, crowd_of(server, web, job) as crowd:
        connected = crowd.ask("more", sockets)
        publisher.ask(server.publish, 1, 1)
        until(lambda: crowd.ask("report")["frames"] >= sockets, within=60, what="all have heard")
        pages(web.port, f"/jobs/{job}/", seconds=REST)
        crowd.ask("count")
        publisher.tell(server.publish, EVENTS, EVENTS_FOR * seconds)
        waits = pages(web.port, f"/jobs/{job}/", seconds=EVENTS_FOR * seconds)
        published = publisher.answer()["published"]
        time.sleep(REST)
        seen = crowd.ask("report")
    return {
        "page_p50_ms": median(waits) * 1000,
        "page_p99_ms": quantiles(waits, n=100)[98] * 1000,
        "delivered_percent": 100 * seen["frames"] / (published * sockets),
        "connected_percent": 100 * (sockets - connected["failed"] - seen["lost"]) / sockets,
        "connect_s": connected["seconds"],
    }


def pages(port: int, page: str, *, seconds: float) -> list[float]:
    """How long each page took, from the moment at which it was to be asked for."""
    began, waits = monotonic(), list[float]()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    while (due := began + len(waits) * PAGE_EVERY) < began + seconds:
        time.sleep(max(0.0, due - monotonic()))
        connection.request("GET", page)
        answer = connection.getresponse()
        answer.read()
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"{page} answers {answer.status}")
        waits.append(monotonic() - due)
    connection.close()
    return waits


def crowd_of(server: Server, web: Web, *jobs: str) -> AbstractContextManager[Helper]:
    """Watches these jobs, where it has to say so."""
    watched = ",".join(f'{{"id":"{job}"}}' for job in jobs)
    say = f'{{"type":"watch","jobs":[{watched}]}}' if server.is_ours else ""
    return helper("crowd", str(web.port), "/ws/jobs/", web.origin, say)


if __name__ == "__main__":
    main(
        seconds=float(sys.argv[1]),
        rounds=int(sys.argv[2]),
        crowd=int(sys.argv[3]),
        crowds=[int(word) for word in sys.argv[4:]],
    )

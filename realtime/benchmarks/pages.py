"""How long a page takes in a web process that hands single events to a crowd of watchers."""

import time
from http import HTTPStatus
from http.client import HTTPConnection
from statistics import median, quantiles
from time import monotonic
from typing import Final

from realtime.benchmarks.web_server import Helper, Server, crowd_of, serving

EVENTS: Final = 0.25
"""Events a second."""
EVENTS_FOR: Final = 3
"""Times longer than the job is shown."""
EVERY: Final = 0.04
"""Seconds between two requests."""
WARMING: Final = 1.0
ARRIVING: Final = 10.0
"""Seconds after which an event that has not come to all has been lost."""


def measure_pages(
    server: Server, publisher: Helper, job: str, *, sockets: int, seconds: float, patience: float
) -> dict[str, float]:
    with serving(server) as web, crowd_of(server, web, job) as crowd:
        connected = crowd.ask("more", sockets)
        crowd.ask("count")
        while crowd.ask("frames")["frames"] < sockets:  # what comes before all have joined is lost
            publisher.ask(server.publish, 1, 1)
            crowd.settle(sockets, within=ARRIVING)
        waits_for_pages(web.port, f"/jobs/{job}/", seconds=min(WARMING, seconds))
        crowd.ask("count")
        publisher.tell(server.publish, EVENTS, EVENTS_FOR * seconds)
        waits = waits_for_pages(web.port, f"/jobs/{job}/", seconds=EVENTS_FOR * seconds)
        published = publisher.answer()["published"]
        crowd.settle(published * sockets, within=patience)
        seen = crowd.ask("report")
    return {
        "page_p50_ms": median(waits) * 1000,
        "page_p99_ms": quantiles(waits, n=100)[98] * 1000,
        "delivered_percent": 100 * seen["frames"] / (published * sockets),
        "connected_percent": 100 * (sockets - connected["failed"] - seen["lost"]) / sockets,
        "connect_s": connected["seconds"],
    }


def waits_for_pages(port: int, page: str, *, seconds: float) -> list[float]:
    """How long each page took, from the moment at which it was to be asked for."""
    began, waits = monotonic(), list[float]()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    while (due := began + len(waits) * EVERY) < began + seconds:
        time.sleep(max(0.0, due - monotonic()))
        connection.request("GET", page)
        answer = connection.getresponse()
        answer.read()
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"{page} answers {answer.status}")
        waits.append(monotonic() - due)
    connection.close()
    return waits

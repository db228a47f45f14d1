"""Measures how long a page takes in a web process that sends few updates to many clients."""

import time
from http import HTTPStatus
from http.client import HTTPConnection
from statistics import median, quantiles
from time import monotonic
from typing import Final

from realtime.benchmarks.helper_process import Helper, running_clients
from realtime.benchmarks.web_server import Server, running_server

UPDATES_PER_SECOND: Final = 0.25
DURATION_FACTOR: Final = 3
"""Updates are rare, so this measurement lasts longer than the others."""
REQUEST_INTERVAL: Final = 0.04
WARM_UP_MAX: Final = 1.0
ARRIVAL_SECONDS_MAX: Final = 10.0
"""An update that has not reached all clients by then is lost."""


def measure_pages(
    server: Server, publisher: Helper, job: str, *, count: int, seconds: float, grace: float
) -> dict[str, float]:
    page, duration = f"/jobs/{job}/", DURATION_FACTOR * seconds
    with running_server(server) as web, running_clients(server, web, job) as clients:
        connected = clients.ask("connect", count)
        publish_until_all_receive(server, publisher, clients, count)
        request_durations(web.port, page, seconds=min(WARM_UP_MAX, seconds))
        clients.ask("reset")
        publisher.send(server.publish, UPDATES_PER_SECOND, duration)
        durations = request_durations(web.port, page, seconds=duration)
        published = publisher.answer()["published"]
        clients.wait_for_frames(published * count, at_most=grace)
        received = clients.ask("report")
    return {
        "page_p50_ms": median(durations) * 1000,
        "page_p99_ms": quantiles(durations, n=100)[98] * 1000,
        "delivered_percent": 100 * received["frames"] / (published * count),
        "connected_percent": 100 * (count - connected["failed"] - received["lost"]) / count,
        "connect_s": connected["seconds"],
    }


def publish_until_all_receive(
    server: Server, publisher: Helper, clients: Helper, count: int
) -> None:
    """Clients join their group late: they miss what is published before that."""
    clients.ask("reset")
    while clients.ask("frames")["frames"] < count:
        publisher.ask(server.publish, 1, 1)
        clients.wait_for_frames(count, at_most=ARRIVAL_SECONDS_MAX)


def request_durations(port: int, page: str, *, seconds: float) -> list[float]:
    """How long each page took, counted from the time at which its request was due."""
    began, durations = monotonic(), list[float]()
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    while (due := began + len(durations) * REQUEST_INTERVAL) < began + seconds:
        time.sleep(max(0.0, due - monotonic()))
        connection.request("GET", page)
        answer = connection.getresponse()
        answer.read()
        if answer.status != HTTPStatus.OK:
            raise RuntimeError(f"GET {page} returned the status {answer.status}, not 200.")
        durations.append(monotonic() - due)
    connection.close()
    return durations

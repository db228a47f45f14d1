"""The web servers that the benchmarks compare: their commands, and one running process."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from realtime.tests.chaos.processes import HOME
from realtime.tests.support.polling import until
from realtime.tests.support.ports import free_port, is_listening

DAPHNE: Final = (
    *("-m", "daphne", "--verbosity", "0", "--no-server-name"),
    *("-e", "tcp:{port}:interface=127.0.0.1:backlog=4096"),
)
UVICORN: Final = (
    *("-m", "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--backlog", "4096"),
    *("--log-level", "error", "--no-access-log", "--no-server-header", "--no-proxy-headers"),
    *("--ws-per-message-deflate", "false", "--lifespan", "off", "--timeout-keep-alive", "60"),
)
UVICORN_OURS: Final = (*UVICORN, "--ws", "realtime.servers.uvicorn:SocketProtocol")
OURS: Final = "picha.asgi:application"
HTTP_ONLY: Final = "realtime.benchmarks.http_baseline:application"
CONSUMER_BASELINE: Final = "realtime.benchmarks.consumer_baseline:application"


@dataclass(frozen=True, kw_only=True)
class Server:
    name: str
    command: Sequence[str]
    publish: str
    """The publisher's command that reaches the clients of this server."""

    @property
    def is_ours(self) -> bool:
        return self.publish == "hub"


SERVERS: Final = {
    server.name: server
    for server in (
        Server(name="daphne", command=(*DAPHNE, OURS), publish="hub"),
        Server(name="uvicorn", command=(*UVICORN_OURS, OURS), publish="hub"),
        Server(
            name="Channels consumer on daphne",
            command=(*DAPHNE, CONSUMER_BASELINE),
            publish="group",
        ),
        Server(
            name="Channels consumer on uvicorn",
            command=(*UVICORN, CONSUMER_BASELINE),
            publish="group",
        ),
        Server(
            name="websockets.broadcast",
            command=("-m", "realtime.benchmarks.broadcast_baseline", "{port}", "{redis_url}"),
            publish="channel",
        ),
    )
}


CELERY_PROGRESS_SERVERS: Final = {
    name: Server(name=f"celery-progress on {name}", command=(*command, HTTP_ONLY), publish="record")
    for name, command in (("daphne", DAPHNE), ("uvicorn", UVICORN))
}
CELERY_PROGRESS_SETTINGS: Final = {
    "DJANGO_SETTINGS_MODULE": "realtime.benchmarks.celery_progress_settings"
}


@dataclass(frozen=True, kw_only=True)
class WebProcess:
    port: int
    pid: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cpu_seconds(self) -> float:
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(thread.read_text("ascii").split()[0]) for thread in threads) / 1e9

    @property
    def memory(self) -> int:
        """Resident bytes."""
        pages = Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def running_server(server: Server, **variables: str) -> Iterator[WebProcess]:
    """Runs a server until the block ends; `variables` are set in its environment."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    values = {"port": port, "redis_url": os.environ["REDIS_URL"]}
    log = Path(os.environ["VAR_DIR"]) / "web.log"
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, *(word.format(**values) for word in server.command)],
            cwd=HOME,
            env=os.environ | {"PORT": str(port), "SITE_URL": url} | variables,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: is_listening(port), within=60, what=f"{server.name} listens; see {log}")
        yield WebProcess(port=port, pid=process.pid)
    finally:
        process.kill()
        process.wait()

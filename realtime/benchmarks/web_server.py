"""Web processes to measure, one at a time, and the helpers that are told what to do on stdin."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any, Final, Never

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
PLAIN: Final = "realtime.benchmarks.http_baseline:application"
SETTLING: Final = 0.02
IDIOMATIC: Final = "realtime.benchmarks.consumer_baseline:application"


@dataclass(frozen=True, kw_only=True)
class Server:
    """What is measured: how it is started, and how the publisher reaches those connected to it."""

    name: str
    command: Sequence[str]
    publish: str

    @property
    def is_ours(self) -> bool:
        return self.publish == "hub"


SERVERS: Final = {
    server.name: server
    for server in (
        Server(name="daphne", command=(*DAPHNE, OURS), publish="hub"),
        Server(name="uvicorn", command=(*UVICORN_OURS, OURS), publish="hub"),
        Server(name="idiomatic on daphne", command=(*DAPHNE, IDIOMATIC), publish="group"),
        Server(name="idiomatic on uvicorn", command=(*UVICORN, IDIOMATIC), publish="group"),
        Server(
            name="websockets.broadcast",
            command=("-m", "realtime.benchmarks.broadcast_baseline", "{port}", "{redis_url}"),
            publish="channel",
        ),
    )
}


POLLED: Final = {
    name: Server(name=f"celery-progress on {name}", command=(*command, PLAIN), publish="record")
    for name, command in (("daphne", DAPHNE), ("uvicorn", UVICORN))
}
POLLED_SETTINGS: Final = {"DJANGO_SETTINGS_MODULE": "realtime.benchmarks.celery_progress_settings"}


@dataclass(frozen=True, kw_only=True)
class Web:
    port: int
    pid: int

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cpu(self) -> float:
        """Seconds of processor time that its threads have used."""
        threads = Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(each.read_text("ascii").split()[0]) for each in threads) / 1e9

    @property
    def memory(self) -> int:
        """Bytes that are in memory."""
        pages = Path(f"/proc/{self.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def serving(server: Server, **variables: str) -> Iterator[Web]:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    known = {"port": port, "redis_url": os.environ["REDIS_URL"]}
    log = Path(os.environ["VAR_DIR"]) / "web.log"
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, *(word.format(**known) for word in server.command)],
            cwd=HOME,
            env=os.environ | {"PORT": str(port), "SITE_URL": url} | variables,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        until(lambda: is_listening(port), within=60, what=f"{server.name} listens; see {log}")
        yield Web(port=port, pid=process.pid)
    finally:
        process.kill()
        process.wait()


class Helper:
    """A process beside this one that answers every line with a line of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._unanswered = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"realtime.benchmarks.{module}", *arguments],
            cwd=HOME,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, *words: object) -> None:
        stdin: Any = self._process.stdin
        stdin.write(" ".join(map(str, words)) + "\n")
        stdin.flush()
        self._unanswered += 1

    def answer(self) -> dict[str, Any]:
        """To what it was told last."""
        stdout: Any = self._process.stdout
        text = ""
        while self._unanswered:
            text = stdout.readline()
            self._unanswered -= 1
        return dict(json.loads(text))

    def ask(self, *words: object) -> dict[str, Any]:
        self.tell(*words)
        return self.answer()

    def settle(self, due: int, *, within: float) -> None:
        """Let so many frames arrive, or those that do in time."""
        deadline = monotonic() + within
        while self.ask("frames")["frames"] < due and monotonic() < deadline:
            time.sleep(SETTLING)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def helper(module: str, *arguments: str) -> Iterator[Helper]:
    one = Helper(module, *arguments)
    try:
        yield one
    finally:
        one.end()


def crowd_of(server: Server, web: Web, *jobs: str) -> AbstractContextManager[Helper]:
    """Watches these jobs, where it has to say so."""
    watched = ",".join(f'{{"id":"{job}"}}' for job in jobs)
    say = f'{{"type":"watch","jobs":[{watched}]}}' if server.is_ours else ""
    return helper("many_clients", str(web.port), "/ws/jobs/", web.origin, say)


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raises `TimeoutError` into what takes longer; for the main thread."""

    def too_late(*_: object) -> Never:
        raise TimeoutError(f"It takes longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, too_late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)

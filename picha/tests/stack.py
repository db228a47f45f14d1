"""The whole site as `make run` runs it, for tests that look at it from outside."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from picha.paths import run_dir
from picha.run.control import UNREACHABLE, Control, Program
from realtime.tests.databases import fresh_database, server_url
from realtime.tests.polling import until
from realtime.tests.ports import PORTS_OF_A_RUN, free_port, is_listening

HOME = Path(__file__).resolve().parent.parent.parent

# Quick, so that a test of 60 photos takes seconds; slow enough to see a bar move.
SANDBOX = {"SANDBOX_LATENCY": "0.05", "SANDBOX_HOSTILE_RATE": "0.03"}
PATIENCE = 120
"""Seconds for what takes a few, on a machine that has much else to do."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    var_dir: Path
    port: int
    process: "subprocess.Popen[str]"
    output: Path
    database_url: str = ""
    """Empty for the one that the site makes itself."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def websocket_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def mailbox_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 2}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 3}"

    @property
    def operator_password(self) -> str:
        return (self.var_dir / "operator-password").read_text("utf-8").strip()

    @property
    def control(self) -> Control:
        return Control(sockets=run_dir(self.var_dir))

    def environment(self) -> dict[str, str]:
        """For a process beside the site that is to work on the same database and broker."""
        knobs = {"DATABASE_URL": self.database_url}
        return _environment(var_dir=self.var_dir, port=self.port, knobs=knobs) | {
            "DEBUG": "off",
            "SECRET_KEY": (self.var_dir / "secret-key").read_text("utf-8").strip(),
        }

    def get(self, path: str, *, port_after: int = 0) -> httpx.Response:
        """From the site, or from a server at a port after the site's."""
        url = f"http://127.0.0.1:{self.port + port_after}{path}"
        return httpx.get(url, trust_env=False, timeout=PATIENCE)

    def program(self, name: str) -> Program:
        return self.control.programs()[name]

    def kill(self, name: str) -> None:
        """kill -9 of its main process, which supervisord then starts again; until it has."""
        self._wait_until_running(name)
        told, greeted = self._times_started_again(name), self._times_a_worker_was_ready()
        before = self.control.kill(name)
        until(
            lambda: self._is_another(name, before), within=PATIENCE, what=f"{name} is started again"
        )
        until(
            lambda: self._times_started_again(name) > told,
            within=PATIENCE,
            what=f"the terminal says that {name} was started again",
        )
        until(self._listens, within=PATIENCE, what=f"all listen after {name} was killed")
        if name == "worker":  # the heartbeat of the one that was killed still counts for a while
            until(
                lambda: self._times_a_worker_was_ready() > greeted,
                within=PATIENCE,
                what="the new worker is ready",
            )

    def stop(self, name: str) -> None:
        self.control.stop(name)

    def start(self, name: str) -> None:
        self.control.start(name)

    def restart(self, name: str) -> None:
        self.control.restart(name)

    def freeze(self, name: str) -> None:
        self._wait_until_running(name)
        self.control.kill(name, signal_number=signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self.control.kill(name, signal_number=signal.SIGCONT)

    def log(self, name: str) -> str:
        path = self.var_dir / "log" / f"{name}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def said(self) -> str:
        """What the person at the terminal has read so far."""
        return self.output.read_text("utf-8", "replace")

    def is_well(self) -> bool:
        """All programs run and do what they are there for."""
        try:
            ready = self.get("/readyz").is_success
        except httpx.TransportError:
            return False
        running = all(program.is_running for program in self.control.programs().values())
        return ready and running and self._listens()

    def wait_until_ready(self) -> None:
        until(self._is_ready, within=PATIENCE, what=f"{self.url} is ready; it said: {self.said()}")

    def end(self, *, signal_number: int = signal.SIGINT, within: float = PATIENCE) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.process.wait(within)

    def _wait_until_running(self, name: str) -> None:
        until(lambda: self.program(name).is_running, within=PATIENCE, what=f"{name} is running")

    def _is_another(self, name: str, pid: int) -> bool:
        try:
            program = self.program(name)
        except UNREACHABLE:
            return False
        return program.is_running and program.pid != pid

    def _listens(self) -> bool:
        return all(is_listening(self.port + number) for number in range(PORTS_OF_A_RUN))

    def _times_started_again(self, name: str) -> int:
        return self.said().count(f"{name} had ended and was started again")

    def _times_a_worker_was_ready(self) -> int:
        return self.log("worker").count(" ready.")

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"It ended: {self.said()}"
        if "Picha is up." not in self.said():
            return False
        try:
            return self.get("/readyz").is_success
        except httpx.TransportError:
            return False


def start_stack(
    *,
    var_dir: Path,
    port: int | None = None,
    knobs: Mapping[str, str] | None = None,
    output: Path | None = None,
) -> Stack:
    """Returns at once; `end()` it whatever happens."""
    port = port or free_port()
    var_dir.mkdir(parents=True, exist_ok=True)
    output = output or var_dir.with_name(f"{var_dir.name}.output")
    with output.open("w", encoding="utf-8") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "picha.run"],
            cwd=HOME,
            env=_environment(var_dir=var_dir, port=port, knobs=knobs or {}),
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            text=True,
        )
    database_url = (knobs or {}).get("DATABASE_URL", "")
    return Stack(
        var_dir=var_dir, port=port, process=process, output=output, database_url=database_url
    )


@contextmanager
def running_stack(*, var_dir: Path, knobs: Mapping[str, str] | None = None) -> Iterator[Stack]:
    with fresh_database(var_dir.parent, server=server_url()) as url:
        database = {"DATABASE_URL": url} if server_url() else {}
        site = start_stack(var_dir=var_dir, knobs=database | dict(knobs or {}))
        try:
            site.wait_until_ready()
            yield site
        finally:
            site.end()


def _environment(*, var_dir: Path, port: int, knobs: Mapping[str, str]) -> dict[str, str]:
    """Nothing of the settings that the tests themselves run with."""
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ
    }
    return kept | SANDBOX | {"VAR_DIR": str(var_dir), "PORT": str(port)} | dict(knobs)

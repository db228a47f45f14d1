"""Stack: the whole site as `make run` runs it, for tests that use it from outside."""

import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import httpx

from picha.paths import run_dir
from picha.run.control import UNREACHABLE, Control, Program
from picha.tests.stack_environment import stack_environment
from realtime.tests.support.polling import until
from realtime.tests.support.ports import PORTS_OF_A_RUN, is_listening

TIMEOUT_SECONDS = 120
"""Much more than anything needs, for machines that are busy."""


@dataclass(frozen=True, kw_only=True)
class Stack:
    var_dir: Path
    port: int
    process: "subprocess.Popen[str]"
    output_file: Path
    database_url: str = ""
    """Empty for the SQLite database that the site creates itself."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def mailbox_url(self) -> str:
        return f"http://127.0.0.1:{self.port + 2}"

    @property
    def operator_password(self) -> str:
        return (self.var_dir / "operator-password").read_text("utf-8").strip()

    @property
    def control(self) -> Control:
        return Control(sockets=run_dir(self.var_dir))

    def environment(self) -> dict[str, str]:
        """For another process that uses the same database and broker."""
        database = {"DATABASE_URL": self.database_url}
        return stack_environment(var_dir=self.var_dir, port=self.port, variables=database) | {
            "DEBUG": "off",
            "SECRET_KEY": (self.var_dir / "secret-key").read_text("utf-8").strip(),
        }

    def get(self, path: str, *, port_offset: int = 0) -> httpx.Response:
        """The response of the site, or of another server at `port_offset` from its port."""
        url = f"http://127.0.0.1:{self.port + port_offset}{path}"
        return httpx.get(url, trust_env=False, timeout=TIMEOUT_SECONDS)

    # Programs

    def program(self, name: str) -> Program:
        return self.control.programs()[name]

    def kill(self, name: str) -> None:
        """Kill the main process of a program, and wait until supervisord has restarted it."""
        self._wait_until_running(name)
        restarts, ready_workers = self._count_restarts(name), self._count_ready_workers()
        pid = self.control.kill(name)
        _wait(lambda: self._has_new_process(name, pid), f"{name} is restarted")
        _wait(
            lambda: self._count_restarts(name) > restarts, f"`make run` says that {name} restarted"
        )
        _wait(self._listens, f"all servers listen after {name} was killed")
        if name == "worker":  # /readyz accepts the heartbeat of the killed worker for a while
            _wait(lambda: self._count_ready_workers() > ready_workers, "the new worker is ready")

    def stop(self, name: str) -> None:
        self.control.stop(name)

    def start(self, name: str) -> None:
        self.control.start(name)

    def freeze(self, name: str) -> None:
        self._wait_until_running(name)
        self.control.kill(name, signal_number=signal.SIGSTOP)

    def resume(self, name: str) -> None:
        self.control.kill(name, signal_number=signal.SIGCONT)

    # The run

    def log(self, name: str) -> str:
        path = self.var_dir / "log" / f"{name}.log"
        return path.read_text("utf-8", "replace") if path.exists() else ""

    def output(self) -> str:
        """What `make run` has printed so far."""
        return self.output_file.read_text("utf-8", "replace")

    def is_ready(self) -> bool:
        """Whether all programs run, all servers listen and `/readyz` agrees."""
        return self._readyz() and self._all_running() and self._listens()

    def wait_until_started(self) -> None:
        _wait(self._has_started, f"{self.url} is ready; its output: {self.output()}")

    def end(self, *, signal_number: int = signal.SIGINT, within: float = TIMEOUT_SECONDS) -> int:
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        return self.process.wait(within)

    def _has_started(self) -> bool:
        assert self.process.poll() is None, f"The site has ended: {self.output()}"
        return "Picha is up." in self.output() and self._readyz()

    def _readyz(self) -> bool:
        try:
            return self.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def _all_running(self) -> bool:
        return all(program.is_running for program in self.control.programs().values())

    def _listens(self) -> bool:
        return all(is_listening(self.port + offset) for offset in range(PORTS_OF_A_RUN))

    def _wait_until_running(self, name: str) -> None:
        _wait(lambda: self.program(name).is_running, f"{name} is running")

    def _has_new_process(self, name: str, pid: int) -> bool:
        try:
            program = self.program(name)
        except UNREACHABLE:
            return False
        return program.is_running and program.pid != pid

    def _count_restarts(self, name: str) -> int:
        return self.output().count(f"{name} had ended and was started again")

    def _count_ready_workers(self) -> int:
        return self.log("worker").count(" ready.")


def _wait(condition: Callable[[], bool], what: str) -> None:
    until(condition, within=TIMEOUT_SECONDS, what=what)

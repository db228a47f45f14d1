"""Processes of the stack, which faults kill and a supervisor starts again."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

HOME: Final = Path(__file__).resolve().parents[3]
CHECK_INTERVAL: Final = 0.2


@dataclass(kw_only=True)
class SupervisedProcess:
    """A process that `Supervisor` starts again if it ends before `stop` was called."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    should_run: bool = False
    process: "subprocess.Popen[bytes] | None" = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        self.should_run = True
        self.start_if_ended()

    def start_if_ended(self) -> None:
        with self.lock:
            if not self.should_run or (self.process and self.process.poll() is None):
                return
            with self.log.open("ab") as log:
                self.process = subprocess.Popen(
                    self.command,
                    cwd=HOME,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )

    @property
    def pid(self) -> int:
        assert self.process is not None, f"{self.name} was never started"
        return self.process.pid

    def children(self) -> list[int]:
        file = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        try:
            return [int(pid) for pid in file.read_text("ascii").split()]
        except OSError:  # the process has ended
            return []

    def kill(self) -> None:
        """Sends SIGKILL to the main process only."""
        os.kill(self.pid, signal.SIGKILL)

    def signal_all(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def stop(self) -> None:
        """Kills the process and all its children. Nothing that they have may be needed later."""
        self.should_run = False
        with self.lock:
            if self.process:
                self.signal_all(signal.SIGKILL)
                self.process.wait()


class Supervisor:
    def __init__(self, processes: Sequence[SupervisedProcess]) -> None:
        self._processes = processes
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        for process in self._processes:
            process.start()
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()
        for process in reversed(self._processes):
            process.stop()

    def _watch(self) -> None:
        while not self._ended.wait(CHECK_INTERVAL):
            for process in self._processes:
                process.start_if_ended()


def pause(seconds: float) -> None:
    """Lets a fault last. Everything else waits by polling."""
    time.sleep(seconds)

"""Processes that are killed and started again."""

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
LOOK: Final = 0.2


@dataclass(kw_only=True)
class SupervisedProcess:
    """Started again, like everything under Supervisor, when it ends without being told to."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    wanted: bool = False
    process: "subprocess.Popen[bytes] | None" = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def start(self) -> None:
        self.wanted = True
        self.keep()

    def keep(self) -> None:
        """Start it if it is not there and should be."""
        with self.lock:
            if not self.wanted or (self.process and self.process.poll() is None):
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
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        try:
            return [int(pid) for pid in listed.read_text("ascii").split()]
        except OSError:  # it has ended
            return []

    def kill(self) -> None:
        """kill -9 of its main process."""
        os.kill(self.pid, signal.SIGKILL)

    def signal_all(self, number: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    def stop(self) -> None:
        """At once and with all its children: whatever it holds is lost with the rig."""
        self.wanted = False
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
        while not self._ended.wait(LOOK):
            for process in self._processes:
                process.keep()


def nap(seconds: float) -> None:
    """How long a fault lasts: the one sleep that is not a poll."""
    time.sleep(seconds)

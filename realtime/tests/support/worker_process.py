"""Real processes of Celery's, on the database and the broker of the tests."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import connection

from realtime.tests.support.databases import address, server_url
from realtime.tests.support.example_tasks import QUEUE
from realtime.tests.support.polling import until

HOME = Path(__file__).resolve().parents[3]
START = 90
STOP = 30

BEAT = """
import django
django.setup()
from celery import current_app
import realtime.tests.support.example_tasks
current_app.conf.beat_schedule = {}
current_app.Beat(loglevel="INFO").run()
"""


@dataclass(frozen=True, kw_only=True)
class Running:
    process: "subprocess.Popen[bytes]"
    output: Path

    @property
    def log(self) -> str:
        return self.output.read_text("utf-8", "replace")

    def wait_for(self, words: str) -> None:
        until(lambda: self._has_said(words), within=START, what=f"{words!r} is in {self.output}")

    def kill(self) -> None:
        """kill -9, of its children too."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def end(self) -> None:
        """As a supervisor ends it."""
        self.process.terminate()
        try:
            self.process.wait(STOP)
        except subprocess.TimeoutExpired:
            self.kill()

    def _has_said(self, words: str) -> bool:
        assert self.process.poll() is None, f"It ended: {self.log}"
        return words in self.log


@contextmanager
def running(*command: str, **variables: str) -> Iterator[Running]:
    """A Python process with the tests' settings, changed by `variables` of the environment."""
    with tempfile.TemporaryDirectory(prefix="picha-process-") as folder:
        output = Path(folder) / "output"
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, *command],
                cwd=HOME,
                env=environment() | variables,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        one = Running(process=process, output=output)
        try:
            yield one
        finally:
            one.kill()


@contextmanager
def running_worker(
    *, queue: str = QUEUE, concurrency: int = 2, **variables: str
) -> Iterator[Running]:
    """A worker that is ready for the tasks of `realtime.tests.support.example_tasks`."""
    options = {
        "-A": "picha",
        "worker": "--without-gossip",
        "--include": "realtime.tests.support.example_tasks",
        "-l": "info",
        "-Q": queue,
        "-c": str(concurrency),
        "-n": f"tests-{os.getpid()}@%h",
    }
    command = [word for pair in options.items() for word in pair]
    with running("-m", "celery", *command, **variables) as worker:
        worker.wait_for(" ready.")
        yield worker
        worker.end()


@contextmanager
def running_beat(**variables: str) -> Iterator[Running]:
    """Run a beat that has only the schedules of the tables, and knows the example tasks."""
    with running("-c", BEAT, **variables) as beat:
        beat.wait_for("beat: Starting...")
        yield beat


def environment() -> dict[str, str]:
    return dict(os.environ) | {"DATABASE_URL": database_url()}


def database_url() -> str:
    """The address of the database of the tests."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return address(name, server=server_url())

"""Processes: real Celery workers and beats, with the database and the broker of the tests."""

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

from realtime.tests.support.databases import database_url_on, server_url
from realtime.tests.support.example_tasks import QUEUE
from realtime.tests.support.polling import until

HOME = Path(__file__).resolve().parents[3]
START_SECONDS_MAX = 90
STOP_SECONDS_MAX = 30

RUN_BEAT = """
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
        until(
            lambda: self._has_logged(words),
            within=START_SECONDS_MAX,
            what=f"{words!r} is in {self.output}",
        )

    def kill(self) -> None:
        """Sends SIGKILL to the process and its children."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def end(self) -> None:
        """Sends SIGTERM first, as Supervisor does."""
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            self.kill()

    def _has_logged(self, words: str) -> bool:
        assert self.process.poll() is None, f"The process has ended: {self.log}"
        return words in self.log


@contextmanager
def running(*command: str, **variables: str) -> Iterator[Running]:
    """A Python process with the settings of the tests; `variables` are set in its environment."""
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
        running_process = Running(process=process, output=output)
        try:
            yield running_process
        finally:
            running_process.kill()


@contextmanager
def running_worker(
    *, queue: str = QUEUE, concurrency: int = 2, **variables: str
) -> Iterator[Running]:
    """A worker that is ready to run the tasks of `realtime.tests.support.example_tasks`."""
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
    """A beat that knows the example tasks and only the schedules in the database."""
    with running("-c", RUN_BEAT, **variables) as beat:
        beat.wait_for("beat: Starting...")
        yield beat


def environment() -> dict[str, str]:
    return dict(os.environ) | {"DATABASE_URL": database_url()}


def database_url() -> str:
    """The URL of the database of the tests."""
    name = str(connection.settings_dict["NAME"])
    if connection.vendor == "sqlite":
        return f"sqlite:///{name}"
    return database_url_on(name, server=server_url())

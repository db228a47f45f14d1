"""Helper processes of a benchmark: clients and the publisher, each in a process of its own.

A benchmark writes commands to a helper, one a line, and reads one line of JSON for each.
"""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from time import monotonic
from typing import Any, Final

from realtime.benchmarks.web_server import Server, WebProcess
from realtime.tests.chaos.processes import HOME

POLL_INTERVAL: Final = 0.02


class Helper:
    def __init__(self, module: str, *arguments: str) -> None:
        self._unanswered = 0
        self._process = subprocess.Popen(
            [sys.executable, "-m", f"realtime.benchmarks.{module}", *arguments],
            cwd=HOME,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def send(self, *words: object) -> None:
        stdin: Any = self._process.stdin
        stdin.write(" ".join(map(str, words)) + "\n")
        stdin.flush()
        self._unanswered += 1

    def answer(self) -> dict[str, Any]:
        """The answer to the newest command."""
        stdout: Any = self._process.stdout
        text = ""
        while self._unanswered:
            text = stdout.readline()
            self._unanswered -= 1
        return dict(json.loads(text))

    def ask(self, *words: object) -> dict[str, Any]:
        self.send(*words)
        return self.answer()

    def wait_for_frames(self, count: int, *, at_most: float) -> None:
        """Returns when `count` frames have arrived, or after `at_most` seconds."""
        deadline = monotonic() + at_most
        while self.ask("frames")["frames"] < count and monotonic() < deadline:
            time.sleep(POLL_INTERVAL)

    def end(self) -> None:
        self._process.kill()
        self._process.communicate()


@contextmanager
def running_helper(module: str, *arguments: str) -> Iterator[Helper]:
    helper = Helper(module, *arguments)
    try:
        yield helper
    finally:
        helper.end()


def running_clients(server: Server, web: WebProcess, *jobs: str) -> AbstractContextManager[Helper]:
    """Clients that watch these jobs; the baselines send everything without being asked."""
    watches = ",".join(f'{{"id":"{job}"}}' for job in jobs)
    first_message = f'{{"type":"watch","jobs":[{watches}]}}' if server.is_ours else ""
    return running_helper("many_clients", str(web.port), "/ws/jobs/", web.origin, first_message)

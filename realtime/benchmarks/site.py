"""The site of one benchmark: a Valkey, a migrated database and the environment to use them."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from realtime.tests.chaos.processes import HOME
from realtime.tests.support.databases import fresh_database
from realtime.tests.support.valkey import running_valkey

TIMEOUT: Final = 1800
INHERITED_VARIABLES: Final = ("PATH", "HOME", "LANG", "CHROMIUM", "PLAYWRIGHT_BROWSERS_PATH")


@contextmanager
def running_site(folder: Path, *, server: str) -> Iterator[dict[str, str]]:
    socket = folder / "valkey.sock"
    inherited = {name: os.environ[name] for name in INHERITED_VARIABLES if name in os.environ}
    with ExitStack() as stack:
        valkey = stack.enter_context(running_valkey(socket=socket))
        environment = {
            **inherited,
            "VAR_DIR": str(folder),
            "DEBUG": "off",
            "SECRET_KEY": "bench" * 10,
            "DATABASE_URL": stack.enter_context(fresh_database(folder, server=server)),
            "REDIS_URL": valkey.url,
            "LOG_LEVEL": "ERROR",
            "BENCH_SETTINGS": "picha.settings",
            "BENCH_VALKEY_PID": str(valkey.process.pid if valkey.process else 0),
            "DJANGO_SETTINGS_MODULE": "realtime.benchmarks.settings",
            # The other libraries use deprecated features.
            "PYTHONWARNINGS": "ignore",
        }
        run(environment, "manage.py", "migrate", "-v0")
        yield environment


def run(environment: dict[str, str], *command: str) -> None:
    """Runs a Python process to its end, and exits with its status if that is not 0.

    If this process is interrupted, it gives the other process time to end its own children.
    """
    process = subprocess.Popen(
        [sys.executable, *command], cwd=HOME, env=environment, stdin=subprocess.DEVNULL
    )
    try:
        status = process.wait(TIMEOUT)
    except BaseException:
        process.terminate()
        process.wait(10)
        raise
    if status:
        sys.exit(status)

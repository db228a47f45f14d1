"""A Valkey, a migrated database and the environment that points to them, for one benchmark."""

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

PATIENCE: Final = 1800
KEPT: Final = ("PATH", "HOME", "LANG", "CHROMIUM", "PLAYWRIGHT_BROWSERS_PATH")
"""Of the environment."""


@contextmanager
def running_site(folder: Path, *, server: str) -> Iterator[dict[str, str]]:
    socket = folder / "valkey.sock"
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    with ExitStack() as stack:
        valkey = stack.enter_context(running_valkey(socket=socket))
        environment = {
            **kept,
            "VAR_DIR": str(folder),
            "DEBUG": "off",
            "SECRET_KEY": "bench" * 10,
            "DATABASE_URL": stack.enter_context(fresh_database(folder, server=server)),
            "REDIS_URL": valkey.url,
            "LOG_LEVEL": "ERROR",
            "BENCH_SETTINGS": "picha.settings",
            "BENCH_VALKEY_PID": str(valkey.process.pid if valkey.process else 0),
            "DJANGO_SETTINGS_MODULE": "realtime.benchmarks.settings",
            # The versions of the others speak of their own deprecations.
            "PYTHONWARNINGS": "ignore",
        }
        run(environment, "manage.py", "migrate", "-v0")
        yield environment


def run(environment: dict[str, str], *command: str) -> None:
    """Ended together with whoever waits for it, and given the time to end its own processes."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=HOME, env=environment, stdin=subprocess.DEVNULL
    )
    try:
        status = process.wait(PATIENCE)
    except BaseException:
        process.terminate()
        process.wait(10)
        raise
    if status:
        sys.exit(status)

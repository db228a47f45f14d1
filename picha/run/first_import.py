"""First import: fetches photos when the site is run for the first time."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from picha.run.plan import HOME, Plan


@contextmanager
def first_import(plan: Plan, *, environment: Mapping[str, str]) -> Iterator[None]:
    """Runs beside the site, which does not wait for it.

    The command does nothing if there are photos already. If it fails, its log contains the reason
    and the site runs without photos.
    """
    with plan.log_of("first-import").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "first_import"],
            cwd=HOME,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # only `make run` itself handles Ctrl-C
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()

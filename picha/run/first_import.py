"""Photos for whoever runs the site for the first time."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from picha.run.plan import HOME, Plan


@contextmanager
def first_import(plan: Plan, *, environment: Mapping[str, str]) -> Iterator[None]:
    """Beside the rest, so that nobody waits for it. The command itself looks whether there are
    photos yet; should it fail, its log says why, and the site goes on without."""
    with plan.log_of("first-import").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "first_import"],
            cwd=HOME,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C is answered by the run
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait()

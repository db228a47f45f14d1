import subprocess
import sys
from pathlib import Path

import pytest

from realtime.tests.support.worker_process import HOME, environment

PRINT_MODULES = """
import sys
import django
django.setup()
print(*sys.modules)
"""
RECEIVERS = sorted(
    ".".join(path.relative_to(HOME).with_suffix("").parts)
    for path in Path(HOME, "realtime").glob("*/receivers.py")
)


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The modules that a new process has imported once Django is set up."""
    process = subprocess.run(
        [sys.executable, "-c", PRINT_MODULES],
        cwd=HOME,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(process.stdout.split())


@pytest.mark.parametrize("module", [*RECEIVERS, "realtime.checks", "realtime.tasks"])
def test_every_receiver_and_check_is_connected_when_django_is_set_up(
    module: str, imported: set[str]
) -> None:
    assert module in imported

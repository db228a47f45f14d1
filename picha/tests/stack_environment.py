"""The environment variables of the running site, independent of those of the tests themselves."""

import os
from collections.abc import Mapping
from pathlib import Path

# Fast, so that an import of 60 photos takes seconds; slow enough that its progress is visible.
SANDBOX = {"SANDBOX_LATENCY": "0.05", "SANDBOX_HOSTILE_RATE": "0.03"}
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


def stack_environment(*, var_dir: Path, port: int, variables: Mapping[str, str]) -> dict[str, str]:
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return inherited | SANDBOX | {"VAR_DIR": str(var_dir), "PORT": str(port)} | dict(variables)

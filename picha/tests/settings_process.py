"""Loads the site's settings in a process of its own, with the environment that a test chooses."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from django.conf import settings

HOME = Path(settings.BASE_DIR)

_PRINT_SETTINGS = """
import json
from django.conf import settings
names = {names!r}
print(json.dumps({{name: getattr(settings, name) for name in names}}, default=str))
"""


def run_code(code: str, var_dir: Path, **variables: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=HOME,
        env={
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "picha.settings",
            "VAR_DIR": str(var_dir),
            **variables,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def read_settings(var_dir: Path, *names: str, **variables: str) -> dict[str, Any]:
    process = run_code(_PRINT_SETTINGS.format(names=names), var_dir, **variables)
    assert process.returncode == 0, process.stderr
    values: dict[str, Any] = json.loads(process.stdout)
    return values


def startup_error(var_dir: Path, **variables: str) -> str:
    process = run_code("from django.conf import settings; settings.DEBUG", var_dir, **variables)
    assert process.returncode == 1, process.stdout
    assert "Traceback" not in process.stderr
    assert process.stderr.startswith("Picha cannot start. ")
    return process.stderr

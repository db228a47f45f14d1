"""Tests of bin/venv, which `make` calls before any Python environment exists."""

import subprocess
from pathlib import Path

import pytest

from picha.run.plan import HOME

OLD_PYTHON = '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n'
# Writes its arguments to a log, and makes an environment whose Python is this script.
NEW_PYTHON = """#!/bin/sh
echo "$*" >> "{log}"
if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for lock in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / lock).write_text(f"{lock} 1\n")
    return tmp_path


# Has no venv module, as on Debian without python3-venv.
PYTHON_WITHOUT_VENV = """#!/bin/sh
if [ "$2" = venv ]; then mkdir -p "$3"; exit 1; fi
"""
PYTHON_WITHOUT_NETWORK = """#!/bin/sh
if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi
[ "$2" != pip ]
"""


def fake_python(checkout: Path, script: str) -> Path:
    path = checkout / "a-python"
    path.write_text(script.format(log=checkout / "log"))
    path.chmod(0o755)
    return path


def run_venv(checkout: Path, lock: str, python: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [HOME / "bin" / "venv", lock],
        cwd=checkout,
        env={"PATH": "/usr/bin:/bin", "PYTHON": str(python)},
        capture_output=True,
        text=True,
        check=False,
    )


def installations(checkout: Path) -> list[str]:
    return [
        line.split()[-1]
        for line in (checkout / "log").read_text().splitlines()
        if "install" in line
    ]


def test_an_old_python_is_refused(checkout: Path) -> None:
    process = run_venv(checkout, "requirements.txt", fake_python(checkout, OLD_PYTHON))

    assert process.returncode != 0
    assert process.stderr.startswith("Picha needs Python 3.11 or newer (found Python 3.9.2): ")
    assert not (checkout / ".venv").exists()


def test_a_missing_python_is_refused(checkout: Path) -> None:
    process = run_venv(checkout, "requirements.txt", checkout / "nothing")

    assert process.returncode != 0
    assert "Picha needs Python 3.11 or newer (found none): " in process.stderr


def test_a_python_without_the_venv_module_is_refused(checkout: Path) -> None:
    process = run_venv(checkout, "requirements.txt", fake_python(checkout, PYTHON_WITHOUT_VENV))

    assert process.returncode != 0
    assert "install its venv module (on Debian: apt-get install python3-venv)." in process.stderr
    assert not (checkout / ".venv").exists()


def test_packages_that_could_not_be_installed_are_tried_again(checkout: Path) -> None:
    for _ in range(2):
        process = run_venv(
            checkout, "requirements.txt", fake_python(checkout, PYTHON_WITHOUT_NETWORK)
        )
        assert process.returncode != 0
        assert "It needs a network." in process.stderr


def test_an_incomplete_environment_is_made_again(checkout: Path) -> None:
    old_python = checkout / ".venv" / "bin" / "python"
    old_python.parent.mkdir(parents=True)
    old_python.write_text('#!/bin/sh\n[ "$2" != pip ]\n')
    old_python.chmod(0o755)

    assert run_venv(checkout, "requirements.txt", fake_python(checkout, NEW_PYTHON)).returncode == 0
    assert installations(checkout) == ["requirements.txt"]


def test_packages_are_installed_only_when_the_lock_file_has_changed(checkout: Path) -> None:
    new = fake_python(checkout, NEW_PYTHON)

    for _ in range(2):
        assert run_venv(checkout, "requirements.txt", new).returncode == 0
    assert installations(checkout) == ["requirements.txt"]

    (checkout / "requirements.txt").write_text("requirements.txt 2\n")
    run_venv(checkout, "requirements.txt", new)
    assert installations(checkout) == ["requirements.txt"] * 2


def test_the_development_packages_contain_those_of_the_site(checkout: Path) -> None:
    new = fake_python(checkout, NEW_PYTHON)

    run_venv(checkout, "requirements-dev.txt", new)
    run_venv(checkout, "requirements.txt", new)

    assert installations(checkout) == ["requirements-dev.txt"]

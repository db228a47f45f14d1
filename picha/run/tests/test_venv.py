"""bin/venv, which `make` calls before anything of Python's is there."""

import subprocess
from pathlib import Path

import pytest

from picha.run.plan import HOME

OLD = '#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n'
# Notes what it is asked for, and makes an environment whose Python is itself.
NEW = """#!/bin/sh
echo "$*" >> "{log}"
if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for lock in ("requirements.txt", "requirements-dev.txt"):
        (tmp_path / lock).write_text(f"{lock} 1\n")
    return tmp_path


# Its venv module is missing, as on Debian without python3-venv.
WITHOUT_VENV = """#!/bin/sh
if [ "$2" = venv ]; then mkdir -p "$3"; exit 1; fi
"""
WITHOUT_NETWORK = """#!/bin/sh
if [ "$2" = venv ]; then mkdir -p "$3/bin"; cp "$0" "$3/bin/python"; fi
[ "$2" != pip ]
"""


def python(checkout: Path, text: str) -> Path:
    path = checkout / "a-python"
    path.write_text(text.format(log=checkout / "log"))
    path.chmod(0o755)
    return path


def venv(checkout: Path, lock: str, python: Path) -> "subprocess.CompletedProcess[str]":
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


def test_an_old_python_is_refused_with_a_sentence(checkout: Path) -> None:
    refused = venv(checkout, "requirements.txt", python(checkout, OLD))

    assert refused.returncode != 0
    assert refused.stderr.startswith("Picha needs Python 3.11 or newer (found Python 3.9.2): ")
    assert not (checkout / ".venv").exists()


def test_no_python_is_refused_with_a_sentence(checkout: Path) -> None:
    refused = venv(checkout, "requirements.txt", checkout / "nothing")

    assert refused.returncode != 0
    assert "Picha needs Python 3.11 or newer (found none): " in refused.stderr


def test_a_python_without_its_venv_module_is_refused_with_a_sentence(checkout: Path) -> None:
    refused = venv(checkout, "requirements.txt", python(checkout, WITHOUT_VENV))

    assert refused.returncode != 0
    assert "install its venv module (Debian: apt-get install python3-venv)." in refused.stderr
    assert not (checkout / ".venv").exists()


def test_packages_that_cannot_be_had_are_tried_again_the_next_time(checkout: Path) -> None:
    for _ in range(2):
        refused = venv(checkout, "requirements.txt", python(checkout, WITHOUT_NETWORK))
        assert refused.returncode != 0
        assert "A network is needed this once." in refused.stderr


def test_an_environment_that_was_not_finished_is_made_again(checkout: Path) -> None:
    left = checkout / ".venv" / "bin" / "python"
    left.parent.mkdir(parents=True)
    left.write_text('#!/bin/sh\n[ "$2" != pip ]\n')
    left.chmod(0o755)

    assert venv(checkout, "requirements.txt", python(checkout, NEW)).returncode == 0
    assert installations(checkout) == ["requirements.txt"]


def test_packages_are_installed_only_when_their_lock_has_changed(checkout: Path) -> None:
    new = python(checkout, NEW)

    for _ in range(2):
        assert venv(checkout, "requirements.txt", new).returncode == 0
    assert installations(checkout) == ["requirements.txt"]

    (checkout / "requirements.txt").write_text("requirements.txt 2\n")
    venv(checkout, "requirements.txt", new)
    assert installations(checkout) == ["requirements.txt"] * 2


def test_what_development_needs_contains_what_the_site_needs(checkout: Path) -> None:
    new = python(checkout, NEW)

    venv(checkout, "requirements-dev.txt", new)
    venv(checkout, "requirements.txt", new)

    assert installations(checkout) == ["requirements-dev.txt"]

import subprocess
from pathlib import Path

import pytest

from picha.tests.settings_process import read_settings, run_code


def load_with_sqlite(
    version: str, var_dir: Path, **variables: str
) -> "subprocess.CompletedProcess[str]":
    numbers = tuple(map(int, version.split(".")))
    fake = f"sqlite3.sqlite_version, sqlite3.sqlite_version_info = {version!r}, {numbers!r}"
    code = f"import sqlite3; {fake}; from django.conf import settings; settings.DEBUG"
    return run_code(code, var_dir, **variables)


@pytest.mark.parametrize("version", ["3.35.0", "3.35.1", "4.0.0"])
def test_sqlite_3_35_and_newer_are_accepted(tmp_path: Path, version: str) -> None:
    assert load_with_sqlite(version, tmp_path).returncode == 0


def test_an_older_sqlite_is_refused_with_a_sentence(tmp_path: Path) -> None:
    process = load_with_sqlite("3.34.1", tmp_path)
    assert process.returncode == 1
    assert process.stderr == (
        "Picha cannot start. Correct these settings and start it again:\n"
        "  The SQLite of this Python is 3.34.1, and Picha needs 3.35 or newer: "
        "use a newer Python, or set DATABASE_URL to a PostgreSQL database.\n"
    )


def test_an_old_sqlite_does_not_matter_with_postgresql(tmp_path: Path) -> None:
    url = "postgresql://someone@127.0.0.1/site"
    assert load_with_sqlite("3.34.1", tmp_path, DATABASE_URL=url).returncode == 0


def test_sqlite_transactions_wait_for_the_lock(tmp_path: Path) -> None:
    default = read_settings(tmp_path, "DATABASES")["DATABASES"]["default"]
    url = "sqlite:////srv/p.sqlite3"
    named = read_settings(tmp_path, "DATABASES", DATABASE_URL=url)["DATABASES"]["default"]

    assert default["NAME"] == str(tmp_path / "picha.sqlite3")
    assert named["NAME"] == "/srv/p.sqlite3"
    for database in (default, named):
        assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
        assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]
        assert database["OPTIONS"]["timeout"] == 20
        assert database["CONN_MAX_AGE"] == 0


def test_postgresql_has_a_pool(tmp_path: Path) -> None:
    url = "postgresql://ann:secret@db.example/picha?sslmode=require"

    database = read_settings(tmp_path, "DATABASES", DATABASE_URL=url)["DATABASES"]["default"]

    assert database["HOST"] == "db.example"
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["OPTIONS"]["pool"]["max_size"] > 1
    assert database["CONN_MAX_AGE"] == 0

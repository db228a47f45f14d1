"""Fixtures for all tests: a real Valkey, the whole running site and a real browser.

They work in a temporary folder, and use nothing else that runs on this machine.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# Before Django reads its settings: the tests must not depend on the variables of the shell.
_folder = Path(tempfile.mkdtemp(prefix="picha-test-"))
(_folder / "static").mkdir()
for _name in ("REDIS_URL", "BROKER_URL", "DATABASE_URL", "EMAIL_URL", "SITE_URL", "ALLOWED_HOSTS"):
    os.environ.pop(_name, None)
os.environ.update(VAR_DIR=str(_folder), DEBUG="on", DJANGO_SETTINGS_MODULE="picha.settings")
if _database_url := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = _database_url

import django  # noqa: E402

django.setup()  # before the conftest files below, which import models

from django.conf import settings as django_settings  # noqa: E402
from django.db import connection  # noqa: E402

from picha.paths import valkey_socket  # noqa: E402
from picha.tests.browser_fixtures import browser, context, page  # noqa: E402, F401
from picha.tests.stack import Stack  # noqa: E402
from picha.tests.stack_process import running_stack  # noqa: E402
from realtime.tests.support.idle_bus import wait_for_idle_bus  # noqa: E402
from realtime.tests.support.valkey import Valkey, running_valkey  # noqa: E402

# On a busy machine an example may take long.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")


def pytest_configure() -> None:
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if pool := django_settings.DATABASES["default"]["OPTIONS"].get("pool"):
        # The tests use threads where the site uses processes, and a process has its own pool.
        pool |= {"max_size": 40, "timeout": 60}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    marker = item.get_closest_marker("django_db")
    if marker and marker.kwargs.get("transaction"):
        wait_for_idle_bus()


def pytest_unconfigure() -> None:
    shutil.rmtree(_folder, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The bus's threads keep connections open, and PostgreSQL drops no database that is in use."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            connection.cursor().execute(
                "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session", autouse=True)
def valkey() -> Iterator[Valkey]:
    """The server of `settings.REDIS_URL` and of the broker.

    It runs during all tests: otherwise the result of a job would depend on the order of the tests.
    """
    with running_valkey(socket=valkey_socket(_folder)) as server:
        yield server


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole running site. All tests share it: a test must leave it as it was."""
    with running_stack(var_dir=tmp_path_factory.mktemp("site")) as stack:
        yield stack

"""Real services for all tests: a folder of their own, a real Valkey, the whole running site, a
real browser. None of them touches what runs on this machine otherwise."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# Before Django reads its settings: what the tests run with is decided here, not by the shell.
_folder = Path(tempfile.mkdtemp(prefix="picha-test-"))
(_folder / "static").mkdir()
for _name in ("REDIS_URL", "BROKER_URL", "DATABASE_URL", "EMAIL_URL", "SITE_URL", "ALLOWED_HOSTS"):
    os.environ.pop(_name, None)
os.environ.update(VAR_DIR=str(_folder), DEBUG="on", DJANGO_SETTINGS_MODULE="picha.settings")
if _server := os.environ.get("TEST_DATABASE_URL"):
    os.environ["DATABASE_URL"] = _server

from django.conf import settings as django_settings  # noqa: E402
from django.db import connection  # noqa: E402

from picha.paths import valkey_socket  # noqa: E402
from picha.tests.browsing import browser, context, page  # noqa: E402, F401
from picha.tests.stack import Stack, running_stack  # noqa: E402
from realtime.tests.rest import let_the_bus_rest  # noqa: E402
from realtime.tests.valkey import Valkey, running_valkey  # noqa: E402

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")


def pytest_configure() -> None:
    django_settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    if pool := django_settings.DATABASES["default"]["OPTIONS"].get("pool"):
        # Threads stand for processes here, which have a pool each.
        pool |= {"max_size": 40, "timeout": 60}


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> None:
    marker = item.get_closest_marker("django_db")
    if marker and marker.kwargs.get("transaction"):
        let_the_bus_rest()


def pytest_unconfigure() -> None:
    shutil.rmtree(_folder, ignore_errors=True)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: Any) -> Iterator[None]:
    """The bus's threads keep their connections, and PostgreSQL drops no database in use."""
    yield
    with django_db_blocker.unblock():
        if connection.vendor == "postgresql":
            connection.cursor().execute(
                "SELECT pg_terminate_backend(pid, 30000) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )


@pytest.fixture(scope="session", autouse=True)
def valkey() -> Iterator[Valkey]:
    """The server that `settings.REDIS_URL` and the broker point to. It is up for all tests, or it
    would depend on their order what comes of the jobs that some of them commit."""
    with running_valkey(socket=valkey_socket(_folder)) as server:
        yield server


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The whole site, running; shared by all tests, so leave it as you found it."""
    with running_stack(var_dir=tmp_path_factory.mktemp("site")) as site:
        yield site

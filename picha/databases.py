"""Database settings: the `DATABASES["default"]` that DATABASE_URL names."""

import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from environ import Env

from picha.environment import Environment
from picha.parse import InvalidValue

Config = dict[str, Any]

SQLITE: Final = "django.db.backends.sqlite3"
POSTGRESQL: Final = "django.db.backends.postgresql"
OLDEST_SQLITE: Final = (3, 35)  # the first with RETURNING, which the claim of a job needs

SQLITE_OPTIONS: Final[Config] = {
    # A transaction that begins with a read and then writes fails at once when another connection
    # has written in between; IMMEDIATE makes it wait for the lock instead.
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    # NORMAL: no process that dies loses a commit; a power failure may lose the last ones.
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL",
}
POSTGRESQL_OPTIONS: Final[Config] = {
    # With the pool's default of 300 s the pauses between its attempts grow: after an outage of
    # 45 s it reconnected 17 s late, and with 5 s at once (measured).
    "pool": {"min_size": 1, "max_size": 10, "timeout": 10, "reconnect_timeout": 5},
    # Executions after which a statement is prepared on the server. A PgBouncer in between must be
    # 1.21 or newer.
    "prepare_threshold": 5,
    # A process that is frozen, or whose machine is gone, must not block others with its locks:
    # they wait for 20 s, as on SQLite, and its transaction is ended after 30 s, the lease.
    "options": "-c lock_timeout=20s -c idle_in_transaction_session_timeout=30s",
}


def default_database(env: Environment, *, var_dir: Path) -> Config:
    config = env.read(
        "DATABASE_URL",
        _parser(var_dir),
        default=_sqlite({"NAME": var_dir / "picha.sqlite3"}, var_dir=var_dir),
    )
    if config["ENGINE"] == SQLITE and sqlite3.sqlite_version_info < OLDEST_SQLITE:
        env.add_problem(
            f"The SQLite of this Python is {sqlite3.sqlite_version}, and Picha needs 3.35 or "
            "newer: use a newer Python, or set DATABASE_URL to a PostgreSQL database."
        )
    return config | {
        # Under ASGI, a connection that is kept after its request belongs to another thread.
        "CONN_MAX_AGE": 0,
        # The pool may still contain connections that a restarted PostgreSQL has closed.
        "CONN_HEALTH_CHECKS": True,
    }


def sqlite_files(databases: Mapping[str, Config]) -> list[Path]:
    return [Path(each["NAME"]) for each in databases.values() if each["ENGINE"] == SQLITE]


def _parser(var_dir: Path) -> Callable[[str], Config]:
    def parse(text: str) -> Config:
        try:
            config: Config = dict(Env.db_url_config(text))
        except (ImproperlyConfigured, ValueError):
            config = {}
        if config.get("ENGINE") == SQLITE:
            return _sqlite(config, var_dir=var_dir)
        if config.get("ENGINE") == POSTGRESQL:
            return config | {"OPTIONS": config.get("OPTIONS", {}) | POSTGRESQL_OPTIONS}
        raise InvalidValue(
            "a URL such as sqlite:////srv/picha.sqlite3 or postgresql://user:password@host/name"
        )

    return parse


def _sqlite(config: Config, *, var_dir: Path) -> Config:
    return config | {
        "ENGINE": SQLITE,
        "OPTIONS": SQLITE_OPTIONS,
        "TEST": {"NAME": var_dir / "test.sqlite3"},
    }

"""Databases: creates one for each site that a test runs, and drops it afterwards."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import psycopg
from psycopg import sql


def server_url() -> str:
    """The URL of the PostgreSQL server that the tests use; empty for SQLite."""
    return os.environ.get("TEST_DATABASE_URL", "")


@contextmanager
def fresh_database(folder: Path, *, server: str) -> Iterator[str]:
    """The URL of a new, empty database on `server`, or of an SQLite file in `folder`."""
    if not server:
        yield f"sqlite:///{folder / 'site.sqlite3'}"
        return
    name = f"picha_{uuid4().hex[:12]}"
    _execute(server, "CREATE DATABASE {}", name)
    try:
        yield database_url_on(name, server=server)
    finally:
        _execute(server, "DROP DATABASE {} WITH (FORCE)", name)


def database_url_on(name: str, *, server: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def _execute(server: str, command: str, name: str) -> None:
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(sql.SQL(command).format(sql.Identifier(name)))

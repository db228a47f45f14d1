"""Reads the database of the running site directly."""

import sqlite3
from contextlib import closing
from typing import Any

import psycopg

from picha.tests.stack import Stack


def count_feedback(stack: Stack, *, email: str) -> int:
    # sqlite3 and psycopg have different placeholders; quoting the address works for both.
    quoted = email.replace("'", "''")
    rows = _query(stack, f"SELECT count(*) FROM feedback_feedback WHERE email = '{quoted}'")
    return int(str(rows[0][0]))


def _query(stack: Stack, sql: str) -> list[tuple[object, ...]]:
    with closing(_connect(stack)) as database:
        return list(database.execute(sql).fetchall())


def _connect(stack: Stack) -> Any:
    if stack.database_url:
        return psycopg.connect(stack.database_url)
    path = stack.var_dir / "picha.sqlite3"
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)

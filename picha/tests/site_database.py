"""What the running site has saved, read past the site."""

import sqlite3
from contextlib import closing
from typing import Any

import psycopg

from picha.tests.stack import Stack


def feedbacks(stack: Stack, *, email: str) -> int:
    # sqlite3 and psycopg mark parameters differently; a test's address is quoted for both.
    quoted = email.replace("'", "''")
    rows = _ask(stack, f"SELECT count(*) FROM feedback_feedback WHERE email = '{quoted}'")
    return int(str(rows[0][0]))


def _ask(stack: Stack, query: str) -> list[tuple[object, ...]]:
    with closing(_connect(stack)) as database:
        return list(database.execute(query).fetchall())


def _connect(stack: Stack) -> Any:
    if stack.database_url:
        return psycopg.connect(stack.database_url)
    path = stack.var_dir / "picha.sqlite3"
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=20)

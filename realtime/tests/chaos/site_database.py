"""The database of the site, read by plain SQL: the audit must not depend on the code it judges."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlsplit

import psycopg

JOBS: Final = "SELECT id, task, kwargs, state, finished_at FROM realtime_job ORDER BY id"
ITEMS: Final = "SELECT job_id, key, state FROM realtime_jobitem"
CLOSE_CONNECTIONS: Final = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
)
FINISHED: Final = frozenset({"succeeded", "failed", "cancelled"})


@dataclass(frozen=True, slots=True)
class JobRow:
    id: str
    token: str
    task: str
    state: str
    finished_at: float | None


class SiteDatabase:
    def __init__(self, url: str) -> None:
        self.is_postgresql = not url.startswith("sqlite")
        self._url = url

    @property
    def vendor(self) -> str:
        return "postgresql" if self.is_postgresql else "sqlite"

    def jobs(self) -> list[JobRow]:
        return [_row(*row) for row in self._read(JOBS)]

    def items(self) -> dict[tuple[str, str], str]:
        """The states of the ledger's items, by the id of the job and the key of the item."""
        return {(_id(job), key): state for job, key, state in self._read(ITEMS)}

    @contextmanager
    def locked(self) -> Iterator[None]:
        """No other connection can write a job within the block."""
        with closing(self._connect()) as connection:
            if self.is_postgresql:
                connection.execute("LOCK TABLE realtime_job IN ACCESS EXCLUSIVE MODE")
            else:
                connection.execute("BEGIN EXCLUSIVE")
            yield
            connection.rollback()

    def close_connections(self) -> None:
        """Closes all other connections, as PostgreSQL does when it is restarted."""
        with closing(self._connect()) as connection:
            connection.execute(CLOSE_CONNECTIONS)

    def _read(self, query: str) -> list[Any]:
        with closing(self._connect()) as connection:
            return list(connection.execute(query).fetchall())

    def _connect(self) -> Any:
        if self.is_postgresql:
            return psycopg.connect(self._url)
        path = urlsplit(self._url).path.removeprefix("/")
        return sqlite3.connect(f"/{path}", timeout=30)


def _row(job_id: Any, task: str, kwargs: Any, state: str, finished_at: Any) -> JobRow:
    kwargs = json.loads(kwargs) if isinstance(kwargs, str) else kwargs
    return JobRow(_id(job_id), kwargs.get("token", ""), task, state, _seconds(finished_at))


def _id(value: Any) -> str:
    return str(value).replace("-", "")


def _seconds(value: Any) -> float | None:
    if isinstance(value, str):
        value = datetime.fromisoformat(value).replace(tzinfo=UTC)
    return value.timestamp() if value else None

"""Database errors: which ones there are, and a retry after a lost connection.

A database that is restarted closes its connections. Callers are the code that runs a task and the
code that saves its progress.
"""

from collections.abc import Callable
from typing import Final, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

T = TypeVar("T")

DATABASE_ERRORS: Final = (DatabaseError, InterfaceError)
DISCONNECTED: Final = (OperationalError, InterfaceError)
"""Errors that the data to be written cannot have caused."""


def retry_if_disconnected(call: Callable[[], T], *, retry: Callable[[], T] | None = None) -> T:
    """Run `call()`. If the connection was lost, run `retry()` instead, or `call()` once more.

    The first call may have been committed: perhaps only its result was lost. `retry` can check
    that. Within a transaction nothing is retried, because the whole transaction was lost.
    """
    before = connection.connection
    try:
        return call()
    except DISCONNECTED:
        after = connection.connection
        # Django may have reconnected by itself.
        is_reconnected = before is not None and after is not before
        if connection.in_atomic_block or (after and not is_reconnected and connection.is_usable()):
            raise
        connection.close()
        return (retry or call)()

"""What to do when the database has hung up, as one does that is restarted."""

from collections.abc import Callable
from typing import Final, TypeVar

from django.db import DatabaseError, InterfaceError, OperationalError, connection

T = TypeVar("T")

DATABASE_ERRORS: Final = (DatabaseError, InterfaceError)
DISCONNECTED: Final = (OperationalError, InterfaceError)
"""What is no fault of what was to be written."""


def retry_if_disconnected(call: Callable[[], T], *, again: Callable[[], T] | None = None) -> T:
    """`call()`, and `again()` if the database hangs up; without an `again`, `call()` once more.

    Whether the first call has happened is not known then: only its answer may be lost. What may
    have spoilt a transaction around it is not tried again.
    """
    before = connection.connection
    try:
        return call()
    except DISCONNECTED:
        now = connection.connection
        is_another = before is not None and now is not before  # Django may have opened it.
        if connection.in_atomic_block or (now and not is_another and connection.is_usable()):
            raise
        connection.close()
        return (again or call)()

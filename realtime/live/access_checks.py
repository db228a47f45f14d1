"""AccessChecks: when to check again whether connected users may still be connected.

One user is checked after a signal about that user; all users after a signal about rights, and at
regular intervals.
"""

from time import monotonic
from typing import Final, NamedTuple

from realtime.conf import conf

PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between the checks of one user. Django sends its signal of a logout before it deletes the
session, and a busy database may delay that: the first check may still find the session."""
ALL_USERS: Final = None

UserId = int | None
"""A user's id, or `ALL_USERS`."""


class PendingCheck(NamedTuple):
    due_at: float
    done: int = 0
    """How many checks of this user have been made since the signal."""


class AccessChecks:
    def __init__(self) -> None:
        self._pending: dict[UserId, PendingCheck] = {ALL_USERS: _next_check_of_all()}

    def add(self, user_id: UserId) -> None:
        self._pending[user_id] = PendingCheck(monotonic())

    def due(self) -> dict[UserId, PendingCheck]:
        """The checks to make now; pass them to `mark_done` afterwards."""
        now = monotonic()
        return {user_id: check for user_id, check in self._pending.items() if check.due_at <= now}

    def mark_done(self, checks: dict[UserId, PendingCheck]) -> None:
        """Schedule the next checks of these users. A check that was added meanwhile stays due."""
        for user_id, check in checks.items():
            if self._pending[user_id] is check:
                self._schedule_next(user_id, check)

    def _schedule_next(self, user_id: UserId, check: PendingCheck) -> None:
        if user_id is ALL_USERS:
            self._pending[user_id] = _next_check_of_all()
        elif check.done < len(PAUSES):
            self._pending[user_id] = PendingCheck(monotonic() + PAUSES[check.done], check.done + 1)
        else:
            del self._pending[user_id]


def _next_check_of_all() -> PendingCheck:
    return PendingCheck(monotonic() + conf.ACCESS_INTERVAL)

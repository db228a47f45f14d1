"""Whose access is to be looked at again, and when."""

from time import monotonic
from typing import Final, NamedTuple

from realtime.conf import conf

PAUSES: Final = (1.0, 2.0, 4.0, 8.0, 15.0)
"""Seconds between the looks at a user. Django tells of a logout before it deletes the session, and
a busy database may take its time: the first look may find the session as good as before."""
ALL_USERS: Final = None

Who = int | None
"""A user's id, or everybody."""


class PendingCheck(NamedTuple):
    due_at: float
    looks: int = 0
    """How many there have been."""


class AccessChecks:
    """One user is doubted at a signal; everybody at a signal, and now and then without one."""

    def __init__(self) -> None:
        self._doubts: dict[Who, PendingCheck] = {ALL_USERS: _next_look_at_everybody()}

    def add(self, who: Who) -> None:
        self._doubts[who] = PendingCheck(monotonic())

    def due(self) -> dict[Who, PendingCheck]:
        """Those to look at now; `looked` is to be told of it."""
        now = monotonic()
        return {who: doubt for who, doubt in self._doubts.items() if doubt.due_at <= now}

    def looked(self, at: dict[Who, PendingCheck]) -> None:
        """All of these have been looked at. A doubt that has come meanwhile stays."""
        for who, doubt in at.items():
            if self._doubts[who] is doubt:
                self._look_again(who, doubt)

    def _look_again(self, who: Who, doubt: PendingCheck) -> None:
        if who is ALL_USERS:
            self._doubts[who] = _next_look_at_everybody()
        elif doubt.looks < len(PAUSES):
            self._doubts[who] = PendingCheck(monotonic() + PAUSES[doubt.looks], doubt.looks + 1)
        else:
            del self._doubts[who]


def _next_look_at_everybody() -> PendingCheck:
    return PendingCheck(monotonic() + conf.ACCESS_INTERVAL)

"""Process groups: which processes the programs of a run have started, so that all can be killed.

supervisord makes each program the leader of a process group.
"""

import contextlib
import os
import signal
from collections.abc import Iterable


class ProcessGroups:
    def __init__(self) -> None:
        self.ids: set[int] = set()

    def update(self, leaders: Iterable[int]) -> None:
        """Add the groups of these processes; a group outlives its leader until it is empty."""
        # The system gives the id of an empty group to another process some day.
        self.ids = set(filter(_exists, self.ids)) | {pid for pid in leaders if pid}

    def kill(self) -> None:
        for group in self.ids:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)


def _exists(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True

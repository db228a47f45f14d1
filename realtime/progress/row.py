"""ProgressRow: writes the progress of one attempt to the rows of its job and its items.

`Progress` calls it for `begin` and `settle`, the bus every 2 seconds, and `realtime.worker.outcome`
at the end of a run. It writes nothing when the attempt no longer has the lease.
"""

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models.functions import Now

from realtime.database import retry_if_disconnected
from realtime.models import Job
from realtime.progress.ledger import Entry, Ledger

FIELDS: Final = (
    *("phase", "phases", "fraction", "done", "total", "unit"),
    *("rate", "eta", "message", "counts", "failed", "recent"),
)
"""The progress fields of a job."""

Fields = dict[str, Any]


class ProgressRow:
    """`ledger_lock` is the lock of all that reads the ledger."""

    def __init__(self, job: Job, *, ledger: Ledger, ledger_lock: threading.Lock) -> None:
        self.write_lock = threading.Lock()
        """Keeps older values from being written over newer ones."""
        self._job = job
        self._ledger = ledger
        self._ledger_lock = ledger_lock
        self._saved_fields: Fields | None = {name: getattr(job, name) for name in FIELDS}

    def unsaved_fields(self, fields: Fields) -> Fields:
        """`fields`, or nothing if the job's row has these values already.

        A task that reports no progress has nothing to write at its end.
        """
        return {} if fields == self._saved_fields else fields

    def save(self, read_fields: Callable[[], Fields]) -> bool:
        """Write the progress fields, unsaved items and the heartbeat; False without the lease.

        Raises:
            RuntimeError: the caller is within a transaction. It would lock the job's row until it
                ends, and the heartbeats would wait for it.
        """
        if self._job._state.adding:
            return True  # The task was called directly: there is no row.
        with self.write_lock:
            self._saved_fields = None  # Unknown after an error or a rollback.
            fields = read_fields()
            has_lease = retry_if_disconnected(partial(self.write, fields))
            if not transaction.get_connection().in_atomic_block:  # It is in one in a test case.
                self._saved_fields = fields
        return has_lease

    def save_heartbeat(self) -> bool:
        """Write the heartbeat alone; False without the lease."""
        if self._job._state.adding:
            return True
        leased = Job.objects.leased(self._job)
        return bool(retry_if_disconnected(lambda: leased.update(heartbeat_at=Now())))

    def has_unsaved_items(self) -> bool:
        return bool(self._unsaved_items())

    def save_items(self) -> None:
        """Write the items that are not saved yet. The caller holds `write_lock`."""
        if entries := self._unsaved_items():
            self._ledger.save(entries)
            transaction.on_commit(partial(self._mark_saved, entries))

    def write(self, fields: Fields) -> bool:
        """Write once what `save` writes; `save` repeats it if the database disconnects."""
        with transaction.atomic(durable=True):
            has_lease = bool(
                Job.objects.leased(self._job).update(
                    heartbeat_at=Now(), tick=self._job.tick, **fields
                )
            )
            if has_lease:
                self.save_items()
        return has_lease

    def _unsaved_items(self) -> list[Entry]:
        with self._ledger_lock:
            self._ledger.collect()
            return self._ledger.unsaved()

    def _mark_saved(self, entries: list[Entry]) -> None:
        with self._ledger_lock:
            self._ledger.mark_saved(entries)

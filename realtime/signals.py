"""Signals: notify this process of committed changes to jobs.

The functions of `realtime.jobs` and `realtime.batches` send them. Receivers get `ids`, run in the
thread that committed, and must not do I/O.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

jobs_changed: Final = Signal()
"""The rows of the jobs `ids` have changed."""
jobs_queued: Final = Signal()
"""The jobs `ids` wait to be published."""


def notify_changed(*ids: UUID) -> None:
    """Send `jobs_changed` once the surrounding transaction is committed."""
    transaction.on_commit(partial(_send, jobs_changed, ids))


def notify_queued(*ids: UUID) -> None:
    """Send `jobs_queued`, then `jobs_changed`, once the surrounding transaction is committed."""
    request_publish(*ids)
    notify_changed(*ids)


def request_publish(*ids: UUID) -> None:
    """Send `jobs_queued` alone, for jobs that are too many to notify of each one."""
    transaction.on_commit(partial(_send, jobs_queued, ids))


def _send(signal: Signal, ids: Sequence[UUID]) -> None:
    signal.send(sender=None, ids=ids)

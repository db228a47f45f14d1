"""`jobs_changed` tells the process that rows of `Job` have changed and are committed.

Sent with `ids`: the changed jobs' ids. Receivers run in the thread that committed and must not
do I/O there.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final
from uuid import UUID

from django.db import transaction
from django.dispatch import Signal

jobs_changed: Final = Signal()
jobs_queued: Final = Signal()
"""Sent with `ids` of jobs that are committed and wait to be published."""


def notify_changed(*ids: UUID) -> None:
    """Send `jobs_changed` once the surrounding transaction is committed."""
    transaction.on_commit(partial(_send, jobs_changed, ids))


def notify_queued(*ids: UUID) -> None:
    """Send `jobs_queued`, then `jobs_changed`, once the surrounding transaction is committed."""
    request_publish(*ids)
    notify_changed(*ids)


def request_publish(*ids: UUID) -> None:
    """Send `jobs_queued` alone, for jobs that are too many to be news, each of them."""
    transaction.on_commit(partial(_send, jobs_queued, ids))


def _send(signal: Signal, ids: Sequence[UUID]) -> None:
    signal.send(sender=None, ids=ids)

"""Outcomes: the order in which pages show a job's counts."""

from collections.abc import Mapping
from typing import Final

from celery import current_app

LAST: Final = ("succeeded", "failed", "cancelled", "unknown")
"""The outcomes of child jobs, and the common words for items that failed."""


def in_display_order(task: str, counts: Mapping[str, int]) -> dict[str, int]:
    """First the outcomes that the task declares, then others by the alphabet, then LAST.

    The order of the row is of no use: it differs from run to run, and PostgreSQL does not keep the
    order of names in JSON.
    """
    if len(counts) < 2:
        return dict(counts)
    declared = tuple(getattr(current_app.tasks.get(task), "outcomes", ()))
    others = sorted(counts.keys() - {*declared, *LAST})
    ordered = (*declared, *others, *LAST)
    return {outcome: counts[outcome] for outcome in ordered if outcome in counts}

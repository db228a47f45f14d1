"""The order in which a job's counts are shown."""

from collections.abc import Mapping
from typing import Final

from celery import current_app

LAST: Final = ("succeeded", "failed", "cancelled", "unknown")
"""The outcomes of a batch's jobs, and what others call theirs that went wrong."""


def in_display_order(task: str, counts: Mapping[str, int]) -> dict[str, int]:
    """First as the task declares (`outcomes`), then by the alphabet, what went wrong last.

    Not as they came: that differs from run to run, and PostgreSQL keeps no order of JSON's names.
    """
    if len(counts) < 2:
        return dict(counts)
    declared = tuple(getattr(current_app.tasks.get(task), "outcomes", ()))
    others = sorted(counts.keys() - {*declared, *LAST})
    return {word: counts[word] for word in (*declared, *others, *LAST) if word in counts}

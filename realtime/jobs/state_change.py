"""State changes: the conditional UPDATE that moves one job to another state.

Called by `lease` and `transitions`. Each change increments `revision` and adds one event to the
timeline, in one transaction. If the UPDATE matches no row, another process was faster: the caller
gets False and nothing has changed.
"""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F

from realtime.models import JobEvent, JobQuerySet
from realtime.signals import notify_changed, notify_queued
from realtime.states import EventKind, JobState


def change_state(
    rows: JobQuerySet,
    job_id: UUID,
    state: JobState,
    *,
    text: str,
    queued: bool = False,
    **fields: Any,
) -> bool:
    """Change the job in `rows` to `state`; False if no row matches. At most one may match.

    `text` is the text of the event. With `queued` the job is published after the commit.
    """
    with transaction.atomic():
        changed = rows.update(state=state, revision=F("revision") + 1, tick=0, **fields)
        if changed:
            JobEvent.objects.create(job_id=job_id, kind=EventKind.STATE, state=state, text=text)
            (notify_queued if queued else notify_changed)(job_id)
    return bool(changed)

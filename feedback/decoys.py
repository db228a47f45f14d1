"""Decoys: the page of a successful job that does not exist, for robots that filled the honeypot.

Nothing is saved. The page is made from its URL, which is signed like the URL of a real job, so
that only URLs from this site show a page.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from uuid_utils.compat import uuid7

from feedback.delivery import PHASES, SENDING
from feedback.emails import TEAM_LABEL, VISITOR, VISITOR_LABEL
from feedback.sentences import CONFIRMED, DELIVERED
from feedback.tasks import send_feedback_email_task
from realtime.access import watch_key
from realtime.models import Job
from realtime.snapshots import public
from realtime.states import ItemState, JobState

DURATION: Final = timedelta(seconds=1)


def url() -> str:
    job_id = UUID(int=uuid7().int)
    return f"{reverse('feedback:decoy', args=[job_id])}?key={watch_key(job_id)}"


def context(job_id: UUID, *, key: str) -> dict[str, Any]:
    """The context for the template of a job's page."""
    started_at = datetime.fromtimestamp((job_id.int >> 80) / 1000, tz=UTC)  # RFC 9562 5.7
    job = Job(
        id=job_id,
        title=send_feedback_email_task.title,
        state=JobState.SUCCEEDED,
        attempt=1,
        phase=SENDING,
        phases=[[name, "done"] for name, _ in PHASES],
        fraction=1.0,
        done=2,
        total=2,
        unit="email",
        message=f"{DELIVERED} {CONFIRMED}",
        counts={"sent": 2},
        recent=[_sent(VISITOR, VISITOR_LABEL), _sent("team-1", TEAM_LABEL)],
        result={"sent": 2},
        queued_at=started_at,
        started_at=started_at,
        finished_at=started_at + DURATION,
    )
    # Without the script, which would show that there is no such job.
    options = {"is_operator": False, "refresh": None, "still": True}
    return options | {"snapshot": public(job), "key": key}


def _sent(key: str, label: str) -> list[str]:
    return [key, label, "sent", ItemState.DONE.value, "", ""]

"""What a robot that fell into the honeypot is shown: a job that went well and does not exist.

Nothing is saved for it. All of the page is made from the address, which is signed as a real
job's is, so that it answers no address but those that this site has given out.
"""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.urls import reverse
from uuid_utils.compat import uuid7

from feedback.delivery import CONFIRMED, PHASES, SENDING, TAKEN
from feedback.emails import TEAM_LABEL, VISITOR, VISITOR_LABEL
from feedback.tasks import send_feedback_email_task
from realtime.access import watch_key
from realtime.models import Job
from realtime.snapshots import public
from realtime.states import ItemState, JobState

TOOK: Final = timedelta(seconds=1)


def url() -> str:
    job_id = UUID(int=uuid7().int)
    return f"{reverse('feedback:decoy', args=[job_id])}?key={watch_key(job_id)}"


def context(job_id: UUID, *, key: str) -> dict[str, Any]:
    """What the template of a job's page needs."""
    began = datetime.fromtimestamp((job_id.int >> 80) / 1000, tz=UTC)  # RFC 9562 5.7
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
        message=f"{TAKEN} {CONFIRMED}",
        counts={"sent": 2},
        recent=[_sent(VISITOR, VISITOR_LABEL), _sent("team-1", TEAM_LABEL)],
        result={"sent": 2},
        queued_at=began,
        started_at=began,
        finished_at=began + TOOK,
    )
    # The script would be told that there is no such job, and say so.
    page = {"is_operator": False, "refresh": None, "still": True}
    return page | {"snapshot": public(job), "key": key}


def _sent(key: str, label: str) -> list[str]:
    return [key, label, "sent", ItemState.DONE.value, "", ""]

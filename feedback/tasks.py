from typing import Final

from celery import shared_task

from feedback.delivery import PHASES, Delivery, NotDelivered
from feedback.mail_server import Deferred, NotAdmitted
from feedback.models import Feedback
from realtime.tasks import JobTask

DELAYS: Final = (5, 15, 60, 300, 900, 3600)
"""Seconds to the second try, the third, …: most mail servers are back within minutes."""


@shared_task(
    bind=True,
    base=JobTask,
    name="send_feedback_email_task",
    title="Send your feedback",
    phases=PHASES,
    resumes=True,
    max_retries=len(DELAYS),
    max_attempts=len(DELAYS) + 1,
)
def send_feedback_email_task(self: JobTask, *, feedback_id: int) -> dict[str, int]:
    """Mail one feedback to the site's team, and a confirmation to the visitor."""
    retries = self.request.retries
    feedback = _load(feedback_id)
    try:
        return Delivery(feedback, self.progress, is_retry=retries > 0).run()
    except NotAdmitted as reason:
        raise NotDelivered(f"{reason} Your feedback is saved; we can send it later.") from reason
    except Deferred as reason:
        if retries >= len(DELAYS):
            raise NotDelivered(
                f"{reason} Your feedback is saved; we can send it later."
            ) from reason
        wait = NotDelivered(f"{reason} Your feedback is saved, and we try again by ourselves.")
        raise self.retry(exc=wait, countdown=DELAYS[retries]) from reason


def _load(feedback_id: int) -> Feedback:
    try:
        return Feedback.objects.get(pk=feedback_id)
    except Feedback.DoesNotExist:
        raise NotDelivered("This feedback has been deleted.") from None

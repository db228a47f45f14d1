from typing import Final

from celery import shared_task

from feedback.delivery import PHASES, Delivery, NotDelivered
from feedback.mail_server import Deferred, LoginRefused
from feedback.models import Feedback
from realtime.tasks import JobTask

DELAYS: Final = (5, 15, 60, 300, 900, 3600)
"""Seconds before each retry: most mail servers are available again within minutes."""

SEND_LATER: Final = "Your feedback is saved; we can send it later."


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
    except LoginRefused as error:
        raise NotDelivered(f"{error} {SEND_LATER}") from error
    except Deferred as error:
        if retries >= len(DELAYS):
            raise NotDelivered(f"{error} {SEND_LATER}") from error
        waiting = NotDelivered(f"{error} Your feedback is saved. We try again automatically.")
        raise self.retry(exc=waiting, countdown=DELAYS[retries]) from error


def _load(feedback_id: int) -> Feedback:
    try:
        return Feedback.objects.get(pk=feedback_id)
    except Feedback.DoesNotExist:
        raise NotDelivered("This feedback has been deleted.") from None

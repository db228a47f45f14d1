import logging
from typing import Final

from celery import shared_task
from celery.exceptions import Retry

from feedback.conf import conf
from feedback.delivery import PHASES, Delivery, NotDelivered, PartlyDelivered
from feedback.mail_server import Deferred, MailError, Misconfigured
from feedback.models import Feedback
from realtime.errors import JobError
from realtime.tasks import JobTask

log: Final = logging.getLogger(__name__)

DELAYS: Final = (5, 15, 60, 300, 900, 3600)
"""Seconds before each retry: most mail servers are available again within minutes."""

SEND_LATER: Final = "Your feedback is saved; we can send it later."
WE_TRY_AGAIN: Final = "Your feedback is saved. We try again automatically."
SENT_WHEN_CORRECTED: Final = "Your feedback is saved. We send it when this is corrected."


@shared_task(
    bind=True,
    base=JobTask,
    name="send_feedback_email_task",
    title="Send your feedback",
    phases=PHASES,
    resumes=True,
    max_retries=None,  # the body counts them: it has no maximum for some errors
    max_attempts=len(DELAYS) + 1,
)
def send_feedback_email_task(
    self: JobTask, *, feedback_id: int, deferrals: int = 0
) -> dict[str, int]:
    """Mail one feedback to the site's team, and a confirmation to the visitor.

    `deferrals` counts the retries because of the mail server, not those because of our settings.
    """
    is_retry = self.request.retries > 0
    if not is_retry:
        deferrals = 0  # an operator runs the job again
    is_last = deferrals >= len(DELAYS)
    delivery = Delivery(_load(feedback_id), self.progress, is_retry=is_retry, is_last=is_last)
    kwargs = {"feedback_id": feedback_id, "deferrals": deferrals + 1}
    try:
        return delivery.run()
    except Misconfigured as error:
        waiting = NotDelivered(f"{error} {SENT_WHEN_CORRECTED}")
        raise _retry_when_corrected(self, waiting, error, kwargs) from error
    except PartlyDelivered as error:
        cause = error.__cause__
        if isinstance(cause, Misconfigured):
            raise _retry_when_corrected(self, error, cause, kwargs) from cause
        raise _retry(self, error, kwargs, seconds=DELAYS[deferrals]) from cause
    except Deferred as error:
        if is_last:
            raise NotDelivered(f"{error} {SEND_LATER}") from error
        waiting = NotDelivered(f"{error} {WE_TRY_AGAIN}")
        raise _retry(self, waiting, kwargs, seconds=DELAYS[deferrals]) from error


def _retry(task: JobTask, error: JobError, kwargs: dict[str, int], *, seconds: float) -> Retry:
    retry: Retry = task.retry(kwargs=kwargs, exc=error, countdown=seconds, throw=False)
    return retry


def _retry_when_corrected(
    task: JobTask, waiting: JobError, error: Misconfigured, kwargs: dict[str, int]
) -> Retry:
    """Retry without a limit, until an operator has corrected the settings."""
    _log_misconfigured(error)
    kwargs = kwargs | {"deferrals": kwargs["deferrals"] - 1}
    return _retry(task, waiting, kwargs, seconds=conf.MISCONFIGURED_RETRY)


def _log_misconfigured(error: MailError) -> None:
    log.error(
        "Feedback cannot be sent: %s Check EMAIL_URL. The error was: %r", error, error.__cause__
    )


def _load(feedback_id: int) -> Feedback:
    try:
        return Feedback.objects.get(pk=feedback_id)
    except Feedback.DoesNotExist:
        raise NotDelivered("This feedback has been deleted.") from None

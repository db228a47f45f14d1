"""Saves submitted feedback and enqueues the job that mails it. Called by the contact view."""

from uuid import UUID

from django.contrib.auth.models import AbstractBaseUser
from django.db import transaction

from feedback.conf import conf
from feedback.forms import Submission
from feedback.models import Feedback, mailbox_of
from feedback.tasks import send_feedback_email_task
from realtime.jobs import enqueue


def submit_feedback(submission: Submission, *, owner: AbstractBaseUser | None = None) -> UUID:
    """Save the feedback and its job in one transaction; return the id of the job.

    The same submission again, even at the same moment, returns the same job.
    """
    with transaction.atomic():
        feedback, is_new = Feedback.objects.get_or_create(
            submission=submission.id, defaults=_fields(submission)
        )
        if is_new or feedback.job_id is None:
            job = enqueue(
                send_feedback_email_task, kwargs={"feedback_id": feedback.pk}, owner=owner
            )
            feedback.job_id = job.pk
            feedback.save(update_fields=["job_id"])
        return feedback.job_id


def _fields(submission: Submission) -> dict[str, object]:
    mailbox = mailbox_of(submission.email)
    Feedback.objects.lock_mailbox(mailbox)
    return {
        "email": submission.email,
        "mailbox": mailbox,
        "message": submission.message,
        "confirms": Feedback.objects.confirmations_to(mailbox) < conf.CONFIRMATIONS_PER_HOUR,
    }

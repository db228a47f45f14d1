from datetime import timedelta

from django.db import connections, models
from django.db.models.functions import Now


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def lock_mailbox(self, mailbox: str) -> None:
        """Lock the mailbox until this transaction ends.

        Without the lock, simultaneous submissions would not count each other's confirmations.
        """
        connection = connections[self.db]
        if connection.vendor == "postgresql":  # SQLite has only one writer at a time.
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_advisory_xact_lock(hashtext('feedback'), hashtext(%s))", [mailbox]
                )

    def confirmations_to(self, mailbox: str) -> int:
        """The number of confirmations for feedback of the last hour, sent or still to be sent."""
        hour_ago = Now() - timedelta(hours=1)
        return self.filter(mailbox=mailbox, confirms=True, created_at__gt=hour_ago).count()


class Feedback(models.Model):
    email = models.EmailField(max_length=254)
    mailbox = models.CharField(
        max_length=254, editable=False, help_text="The address without what makes no difference."
    )
    message = models.TextField()
    submission = models.CharField(max_length=64, unique=True, editable=False)
    confirms = models.BooleanField(
        "confirmation", help_text="Whether the visitor is sent a confirmation."
    )
    job_id = models.UUIDField(
        "job", null=True, editable=False, help_text="The job that mails it; it may be pruned."
    )
    created_at = models.DateTimeField(db_default=Now())

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "feedback"
        indexes = (models.Index(fields=("mailbox", "created_at"), name="feedback_mailbox"),)

    def __str__(self) -> str:
        return f"Feedback from {self.email}"


def mailbox_of(email: str) -> str:
    """The mailbox of a canonical address: the same for `Ann+news@...` and `ann@...`."""
    local, _, domain = email.lower().rpartition("@")
    return f"{local.partition('+')[0]}@{domain}"

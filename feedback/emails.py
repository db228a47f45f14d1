"""The emails of a feedback: one to each address of the team, and a confirmation to the visitor."""

import hashlib
from dataclasses import dataclass
from email.charset import QP, Charset
from email.utils import format_datetime, parseaddr
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from feedback.models import Feedback

VISITOR: Final = "visitor"
VISITOR_LABEL: Final = "Your confirmation"
TEAM_LABEL: Final = "The Picha team"

QUOTED_PRINTABLE: Final = Charset("utf-8")
"""ASCII lines of at most 76 characters, whatever the text is.

Without it Django sends bytes that are not ASCII, which not every mail server accepts. And it
counts the length of lines as `str.splitlines` does, which also splits where SMTP does not.
"""
QUOTED_PRINTABLE.body_encoding = QP


@dataclass(frozen=True, kw_only=True)
class FeedbackEmail:
    """An email, with the key and the label that the job's page shows. They contain no address."""

    key: str
    label: str
    message: EmailMessage


def emails_for(feedback: Feedback) -> list[FeedbackEmail]:
    to_team = [_to_team(feedback, number) for number in range(len(settings.FEEDBACK_RECIPIENTS))]
    return [*to_team, _to_visitor(feedback)] if feedback.confirms else to_team


def _to_team(feedback: Feedback, number: int) -> FeedbackEmail:
    has_several = len(settings.FEEDBACK_RECIPIENTS) > 1
    return FeedbackEmail(
        key=f"team-{number + 1}",
        label=f"{TEAM_LABEL} ({number + 1})" if has_several else TEAM_LABEL,
        message=_compose(
            "feedback_email",
            feedback,
            to=settings.FEEDBACK_RECIPIENTS[number],
            reply_to=[feedback.email],
        ),
    )


def _to_visitor(feedback: Feedback) -> FeedbackEmail:
    """The confirmation. It has no text of the form, because anybody can enter any address."""
    return FeedbackEmail(
        key=VISITOR,
        label=VISITOR_LABEL,
        message=_compose("confirmation_email", feedback, to=feedback.email),
    )


def _compose(
    name: str, feedback: Feedback, *, to: str, reply_to: list[str] | None = None
) -> EmailMessage:
    context = {"feedback": feedback, "site_url": settings.SITE_URL}
    subject = render_to_string(f"feedback/email/{name}_subject.txt", context)
    email = EmailMessage(
        subject=" ".join(subject.split()),
        body=render_to_string(f"feedback/email/{name}_body.txt", context),
        to=[to],
        reply_to=reply_to,
        headers={
            "Message-ID": _message_id(feedback, to),
            "Date": format_datetime(feedback.created_at),
            # RFC 3834: mail servers send no automatic reply, such as a holiday notice.
            "Auto-Submitted": "auto-generated",
        },
    )
    email.encoding = QUOTED_PRINTABLE
    return email


def _message_id(feedback: Feedback, to: str) -> str:
    """The same for the same feedback and recipient, so that a duplicate can be recognised."""
    name = hashlib.sha256(f"{feedback.submission}\0{to}".encode()).hexdigest()[:32]
    return f"<feedback.{name}@{parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition('@')[2]}>"

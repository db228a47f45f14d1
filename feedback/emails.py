"""The emails that feedback sends: one to each address of the site's, one to the visitor."""

import hashlib
from dataclasses import dataclass
from email.utils import format_datetime, parseaddr
from typing import Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.template.loader import render_to_string

from feedback.models import Feedback

VISITOR: Final = "visitor"
VISITOR_LABEL: Final = "Your confirmation"
TEAM_LABEL: Final = "The Picha team"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """An email and what the job's page says of it: never an address."""

    key: str
    label: str
    email: EmailMessage


def letters(feedback: Feedback) -> list[Letter]:
    own = [_to_team(feedback, number) for number in range(len(settings.FEEDBACK_RECIPIENTS))]
    return [*own, _to_visitor(feedback)] if feedback.confirms else own


def _to_team(feedback: Feedback, number: int) -> Letter:
    several = len(settings.FEEDBACK_RECIPIENTS) > 1
    return Letter(
        key=f"team-{number + 1}",
        label=f"{TEAM_LABEL} ({number + 1})" if several else TEAM_LABEL,
        email=_compose(
            "feedback_email",
            feedback,
            to=settings.FEEDBACK_RECIPIENTS[number],
            reply_to=[feedback.email],
        ),
    )


def _to_visitor(feedback: Feedback) -> Letter:
    """Nothing that was typed into the form is in it: it may go to somebody who typed nothing."""
    return Letter(
        key=VISITOR,
        label=VISITOR_LABEL,
        email=_compose("confirmation_email", feedback, to=feedback.email),
    )


def _compose(
    name: str, feedback: Feedback, *, to: str, reply_to: list[str] | None = None
) -> EmailMessage:
    context = {"feedback": feedback, "site_url": settings.SITE_URL}
    subject = render_to_string(f"feedback/email/{name}_subject.txt", context)
    return EmailMessage(
        subject=" ".join(subject.split()),
        body=render_to_string(f"feedback/email/{name}_body.txt", context),
        to=[to],
        reply_to=reply_to,
        headers={
            "Message-ID": _message_id(feedback, to),
            "Date": format_datetime(feedback.created_at),
            # RFC 3834: no holiday notice answers it.
            "Auto-Submitted": "auto-generated",
        },
    )


def _message_id(feedback: Feedback, to: str) -> str:
    """Always the same for a feedback and a recipient, so that a second arrival can be told."""
    name = hashlib.sha256(f"{feedback.submission}\0{to}".encode()).hexdigest()[:32]
    return f"<feedback.{name}@{parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition('@')[2]}>"

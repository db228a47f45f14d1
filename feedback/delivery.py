"""Delivery: sends the emails of one feedback, each at most once, however often it runs again.

Called by the task for each attempt. The ledger of the job records the state of each email.
"""

from typing import Final

from feedback.conf import conf
from feedback.emails import VISITOR, VISITOR_LABEL, FeedbackEmail, emails_for
from feedback.mail_server import (
    Deferred,
    DeliveryUnknown,
    EmailRefused,
    MailError,
    MailServerConnection,
    Misconfigured,
)
from feedback.models import Feedback
from realtime.errors import JobError
from realtime.progress import Progress
from realtime.states import ItemState

WRITING: Final = "Writing"
CONNECTING: Final = "Connecting to the mail server"
SENDING: Final = "Sending"
PHASES: Final = ((WRITING, 1), (CONNECTING, 1), (SENDING, 3))

DELIVERED: Final = "Your feedback has been delivered."
CONFIRMED: Final = "A confirmation is on its way to you."
NOT_CONFIRMED: Final = {
    ItemState.FAILED: "The mail server refused our confirmation: is there a typo in your address?",
    ItemState.UNKNOWN: "We do not know whether our confirmation to you was delivered.",
}
REFUSED: Final = (
    "The mail server refused your feedback. It is saved, and the site's operators can see the "
    "error."
)
UNKNOWN: Final = (
    "The mail server received your feedback but did not confirm it: it may have arrived, or not. "
    "It is saved, and is not sent twice."
)


class NotDelivered(JobError):
    code = "not_delivered"


class Delivery:
    """One attempt. It leaves the emails alone that earlier attempts have finished."""

    def __init__(self, feedback: Feedback, progress: Progress, *, is_retry: bool) -> None:
        self._feedback = feedback
        self._progress = progress
        self._final_states = {ItemState.DONE, ItemState.UNKNOWN}
        if is_retry:
            # Only an operator who runs the job again sends a refused email again.
            self._final_states.add(ItemState.FAILED)
        self._emails: list[FeedbackEmail] = []

    def run(self) -> dict[str, int]:
        """Send the emails and return how many were sent.

        Raises:
            Deferred: an email has to be sent later.
            Misconfigured: nothing can be sent before an operator has corrected the settings.
            NotDelivered: no email to the team was accepted, and a retry would not help.
        """
        with self._progress.phase(WRITING):
            self._emails = emails_for(self._feedback)
            self._record_pending()
        self._send_pending()
        return self._result()

    def _record_pending(self) -> None:
        """Show all emails on the page of the job before the first is sent."""
        recorded = self._keys(*ItemState)
        for email in self._emails:
            if email.key not in recorded:
                self._progress.item(
                    email.key, "waiting", state=ItemState.PENDING, label=email.label
                )
        if not self._feedback.confirms:
            self._progress.item(VISITOR, "left out", label=VISITOR_LABEL, detail=_limit_sentence())

    def _send_pending(self) -> None:
        finished = self._keys(*self._final_states)
        pending = [email for email in self._emails if email.key not in finished]
        connection = MailServerConnection()
        try:
            with self._progress.phase(CONNECTING):
                if pending:
                    connection.open()
            with self._progress.phase(SENDING, total=len(self._emails), unit="email"):
                self._progress.advance(len(self._emails) - len(pending))
                self._send_all(connection, pending)
        finally:
            connection.close()

    def _send_all(self, connection: MailServerConnection, pending: list[FeedbackEmail]) -> None:
        deferred: Deferred | None = None
        for email in pending:
            self._progress.message = f"Sending {self._progress.done + 1} of {len(self._emails)}."
            try:
                self._send(connection, email)
            except Deferred as error:
                deferred = error
            else:
                self._progress.advance()
        if deferred:
            raise deferred

    def _send(self, connection: MailServerConnection, email: FeedbackEmail) -> None:
        """Record the email before and after it is sent: see `Progress.begin`."""
        if not self._progress.begin(email.key, "sending", label=email.label):
            return
        try:
            connection.send(email.message)
        except MailError as error:
            state, outcome = _outcome(error)
            self._progress.settle(
                email.key, outcome, state=state, label=email.label, detail=str(error)
            )
            if isinstance(error, Deferred | Misconfigured):
                raise
        else:
            self._progress.settle(email.key, "sent", label=email.label)

    def _result(self) -> dict[str, int]:
        sent = self._keys(ItemState.DONE)
        team = {email.key for email in self._emails} - {VISITOR}
        if team and not team & sent:
            raise NotDelivered(UNKNOWN if team & self._keys(ItemState.UNKNOWN) else REFUSED)
        self._progress.message = f"{DELIVERED} {self._confirmation_sentence(sent)}"
        return {"sent": len(sent & {email.key for email in self._emails})}

    def _confirmation_sentence(self, sent: frozenset[str]) -> str:
        if not self._feedback.confirms:
            return f"You get no confirmation. {_limit_sentence()}"
        if VISITOR in sent:
            return CONFIRMED
        return next(text for state, text in NOT_CONFIRMED.items() if VISITOR in self._keys(state))

    def _keys(self, *states: ItemState) -> frozenset[str]:
        return frozenset[str]().union(*(self._progress.keys(state) for state in states))


def _outcome(error: MailError) -> tuple[ItemState, str]:
    match error:
        case EmailRefused():
            return ItemState.FAILED, "failed"
        case DeliveryUnknown():
            return ItemState.UNKNOWN, "unknown"
        case _:
            return ItemState.PENDING, "waiting"


def _limit_sentence() -> str:
    return f"This address got {conf.CONFIRMATIONS_PER_HOUR} confirmations within an hour."

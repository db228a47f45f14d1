"""Delivery: sends the emails of one feedback, each at most once, however often it runs again.

Called by the task for each attempt. The ledger of the job records the state of each email. The
confirmation to the visitor is sent after an email to the team was accepted, never before.
"""

from typing import Final

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
from feedback.sentences import (
    CONFIRMATION_GIVEN_UP,
    CONFIRMATION_WAITS,
    CONFIRMED,
    DELIVERED,
    NOT_CONFIRMED,
    REFUSED,
    UNKNOWN,
    confirmation_limit,
)
from realtime.errors import JobError
from realtime.progress import Progress
from realtime.states import ItemState

WRITING: Final = "Writing"
CONNECTING: Final = "Connecting to the mail server"
SENDING: Final = "Sending"
PHASES: Final = ((WRITING, 1), (CONNECTING, 1), (SENDING, 3))


class NotDelivered(JobError):
    code = "not_delivered"


class PartlyDelivered(JobError):
    """An email to the team was accepted, but another email has to be sent later."""

    code = "partly_delivered"


class Delivery:
    """One attempt. It leaves the emails alone that earlier attempts have finished.

    `is_retry` is False for the first attempt and when an operator runs the job again. After the
    attempt with `is_last`, emails that still wait are given up if the team has the feedback.
    """

    def __init__(
        self, feedback: Feedback, progress: Progress, *, is_retry: bool, is_last: bool
    ) -> None:
        self._feedback = feedback
        self._progress = progress
        self._is_last = is_last
        self._final_states = {ItemState.DONE, ItemState.UNKNOWN}
        if is_retry:
            # Only an operator who runs the job again sends a refused email again.
            self._final_states.add(ItemState.FAILED)
        self._emails: list[FeedbackEmail] = []
        self._given_up: set[str] = set()

    def run(self) -> dict[str, int]:
        """Send the emails and return how many were sent.

        Raises:
            Deferred: no email to the team was accepted; the feedback has to be sent later.
            Misconfigured: the same, and an operator has to correct the settings first.
            PartlyDelivered: an email to the team was accepted; other emails have to be sent later.
            NotDelivered: no email to the team was accepted, and a retry would not help.
        """
        with self._progress.phase(WRITING):
            self._emails = emails_for(self._feedback)
            self._record_pending()
        try:
            self._send_pending()
        except (Deferred, Misconfigured) as error:
            if not self._is_delivered():
                raise
            if not self._is_last or isinstance(error, Misconfigured):
                raise PartlyDelivered(self._sentence()) from error
            self._give_up(str(error))
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
            self._progress.item(
                VISITOR, "left out", label=VISITOR_LABEL, detail=confirmation_limit()
            )

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
        """The emails to the team are the first, so that the confirmation can depend on them."""
        deferred: Deferred | None = None
        for email in pending:
            if email.key == VISITOR and not self._is_delivered():
                continue
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

    def _give_up(self, reason: str) -> None:
        """The emails that still wait fail; only an operator can have them sent."""
        waiting = self._keys(ItemState.PENDING)
        for email in self._emails:
            if email.key in waiting:
                self._given_up.add(email.key)
                self._progress.settle(
                    email.key, "failed", state=ItemState.FAILED, label=email.label, detail=reason
                )

    def _result(self) -> dict[str, int]:
        keys = {email.key for email in self._emails}
        if keys and not self._is_delivered():
            is_unknown = keys & self._keys(ItemState.UNKNOWN)
            raise NotDelivered(UNKNOWN if is_unknown else REFUSED)
        self._progress.message = self._sentence()
        return {"sent": len(keys & self._keys(ItemState.DONE))}

    def _is_delivered(self) -> bool:
        """Whether an email to the team was accepted."""
        sent = self._keys(ItemState.DONE)
        return any(email.key in sent for email in self._emails if email.key != VISITOR)

    def _sentence(self) -> str:
        return f"{DELIVERED} {self._confirmation_sentence()}"

    def _confirmation_sentence(self) -> str:
        if not self._feedback.confirms:
            return f"You get no confirmation. {confirmation_limit()}"
        if VISITOR in self._keys(ItemState.DONE):
            return CONFIRMED
        if VISITOR in self._given_up:
            return CONFIRMATION_GIVEN_UP
        for state, sentence in NOT_CONFIRMED.items():
            if VISITOR in self._keys(state):
                return sentence
        return CONFIRMATION_WAITS

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

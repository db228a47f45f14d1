"""Sending a feedback's emails, each at most once however often it is begun anew."""

from typing import Final

from feedback.conf import conf
from feedback.emails import VISITOR, VISITOR_LABEL, Letter, letters
from feedback.mail_server import (
    Deferred,
    MailError,
    MailServerConnection,
    NotAdmitted,
    Refused,
    Undecided,
)
from feedback.models import Feedback
from realtime.errors import JobError
from realtime.progress import Progress
from realtime.states import ItemState

WRITING: Final = "Writing"
CONNECTING: Final = "Connecting to the mail server"
SENDING: Final = "Sending"
PHASES: Final = ((WRITING, 1), (CONNECTING, 1), (SENDING, 3))

TAKEN: Final = "Your feedback has been delivered."
CONFIRMED: Final = "A confirmation is on its way to you."
NOT_CONFIRMED: Final = {
    ItemState.FAILED: "The mail server refused our confirmation: is there a slip in your address?",
    ItemState.UNKNOWN: "Nobody can tell whether our confirmation to you was delivered too.",
}


class NotDelivered(JobError):
    code = "not_delivered"


class Delivery:
    """One attempt. What earlier attempts have settled it leaves alone."""

    def __init__(self, feedback: Feedback, progress: Progress, *, is_retry: bool) -> None:
        self._feedback = feedback
        self._progress = progress
        settled = {ItemState.DONE, ItemState.UNKNOWN}
        # A refusal holds for this job, but an operator who runs it again knows better.
        self._settled = settled | {ItemState.FAILED} if is_retry else settled
        self._letters: list[Letter] = []

    def run(self) -> dict[str, int]:
        """Raises `Deferred` when something has to wait, `NotDelivered` when nothing helps.

        `NotAdmitted` when nothing helps until an operator has acted.
        """
        with self._progress.phase(WRITING):
            self._letters = letters(self._feedback)
            self._enter_all()
        self._send_all()
        return self._conclude()

    def _enter_all(self) -> None:
        """Show who is written to before anything is sent."""
        known = self._keys(*ItemState)
        for letter in self._letters:
            if letter.key not in known:
                self._progress.item(
                    letter.key, "waiting", state=ItemState.PENDING, label=letter.label
                )
        if not self._feedback.confirms:
            self._progress.item(VISITOR, "left out", label=VISITOR_LABEL, detail=_capped())

    def _send_all(self) -> None:
        settled = self._keys(*self._settled)
        left = [letter for letter in self._letters if letter.key not in settled]
        connection = MailServerConnection()
        try:
            with self._progress.phase(CONNECTING):
                if left:
                    connection.open()
            with self._progress.phase(SENDING, total=len(self._letters), unit="email"):
                self._progress.advance(len(self._letters) - len(left))
                self._send(connection, left)
        finally:
            connection.close()

    def _send(self, connection: MailServerConnection, left: list[Letter]) -> None:
        deferred: Deferred | None = None
        for letter in left:
            self._progress.message = f"Sending {self._progress.done + 1} of {len(self._letters)}."
            try:
                self._send_one(connection, letter)
            except Deferred as reason:
                deferred = reason
            else:
                self._progress.advance()
        if deferred:
            raise deferred

    def _send_one(self, connection: MailServerConnection, letter: Letter) -> None:
        """The letter is claimed before and recorded after: see `Progress.begin`."""
        if not self._progress.begin(letter.key, "sending", label=letter.label):
            return
        try:
            connection.send(letter.email)
        except MailError as reason:
            state, outcome = _outcome(reason)
            self._progress.settle(
                letter.key, outcome, state=state, label=letter.label, detail=str(reason)
            )
            if isinstance(reason, Deferred | NotAdmitted):
                raise
        else:
            self._progress.settle(letter.key, "sent", label=letter.label)

    def _conclude(self) -> dict[str, int]:
        sent = self._keys(ItemState.DONE)
        team = {letter.key for letter in self._letters} - {VISITOR}
        if team and not team & sent:
            raise NotDelivered(
                "The mail server took your feedback and fell silent: it may have arrived, or not. "
                "It is saved, and is not sent twice."
                if team & self._keys(ItemState.UNKNOWN)
                else "The mail server will not take your feedback. It is saved, and the site's "
                "operators can see what is wrong."
            )
        self._progress.message = f"{TAKEN} {self._on_confirmation(sent)}"
        return {"sent": len(sent & {letter.key for letter in self._letters})}

    def _on_confirmation(self, sent: frozenset[str]) -> str:
        if not self._feedback.confirms:
            return f"You are sent no confirmation. {_capped()}"
        if VISITOR in sent:
            return CONFIRMED
        return next(text for state, text in NOT_CONFIRMED.items() if VISITOR in self._keys(state))

    def _keys(self, *states: ItemState) -> frozenset[str]:
        return frozenset[str]().union(*(self._progress.keys(state) for state in states))


def _outcome(reason: MailError) -> tuple[ItemState, str]:
    match reason:
        case Refused():
            return ItemState.FAILED, "failed"
        case Undecided():
            return ItemState.UNKNOWN, "unknown"
        case _:
            return ItemState.PENDING, "waiting"


def _capped() -> str:
    return f"This address has had {conf.CONFIRMATIONS_PER_HOUR} of them within an hour."

"""Sentences: what the page of a job says about the delivery of feedback."""

from typing import Final

from feedback.conf import conf
from realtime.states import ItemState

DELIVERED: Final = "Your feedback has been delivered."
CONFIRMED: Final = "A confirmation is on its way to you."
NOT_CONFIRMED: Final = {
    ItemState.FAILED: "The mail server refused our confirmation: is there a typo in your address?",
    ItemState.UNKNOWN: "We do not know whether our confirmation to you was delivered.",
}
CONFIRMATION_WAITS: Final = (
    "Our confirmation to you has to wait, because of the mail server. We try again automatically."
)
CONFIRMATION_GIVEN_UP: Final = (
    "We could not send you a confirmation, because of the mail server, although we tried "
    "several times."
)
REFUSED: Final = (
    "The mail server refused your feedback. It is saved, and the site's operators can see the "
    "error."
)
UNKNOWN: Final = (
    "The mail server received your feedback but did not confirm it: it may have arrived, or not. "
    "It is saved, and is not sent twice."
)


def confirmation_limit() -> str:
    return f"This address got {conf.CONFIRMATIONS_PER_HOUR} confirmations within an hour."

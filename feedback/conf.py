"""Conf: the settings of `feedback`, each with its default.

A project overrides a setting by a Django setting of the same name with the prefix `FEEDBACK_`:
`FEEDBACK_MESSAGE_MAX = 20_000`.
"""

from typing import Final

from realtime.conf import AppSettings

PREFIX: Final = "FEEDBACK_"


class Conf(AppSettings):
    MESSAGE_MAX: int = 10_000
    """How many characters a message may have."""
    MIN_SECONDS: float = 0.5
    """How long a person needs at least to fill in the form; a form sent sooner has to wait."""
    CONFIRMATIONS_PER_HOUR: int = 5
    """The most confirmations that one mailbox gets in an hour: it limits mail bombs."""
    MISCONFIGURED_RETRY: float = 600.0
    """Seconds until the next try when the site's settings do not fit the mail server."""


conf: Final = Conf(PREFIX)

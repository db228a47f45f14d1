"""The settings of `feedback` that have a default of their own: `FEEDBACK_MESSAGE_MAX = 20_000`."""

from typing import Final

from django.conf import settings

PREFIX: Final = "FEEDBACK_"


class Conf:
    MESSAGE_MAX: int = 10_000
    """How many characters a message may have."""
    MIN_SECONDS: float = 0.5
    """How long a person needs at least to fill in the form; a form sent sooner has to wait."""
    CONFIRMATIONS_PER_HOUR: int = 5
    """How many confirmations one mailbox is sent in an hour: the form is no mail bomb."""

    def __getattribute__(self, name: str) -> object:
        default = super().__getattribute__(name)
        return getattr(settings, PREFIX + name, default) if name.isupper() else default


conf: Final = Conf()

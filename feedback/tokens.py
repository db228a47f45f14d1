"""The hidden token of the feedback form: its age, and whether the same form is sent again.

The token is signed and not stored, so a page with the form needs no query and no session.
"""

import hashlib
import secrets
import time
from typing import Final

from django.core import signing

_SALT: Final = "feedback.form"


def new_token() -> str:
    created_at = int(time.time() * 1000)
    return signing.Signer(salt=_SALT).sign(f"{secrets.token_urlsafe(12)}.{created_at}")


def age_seconds(token: str) -> float:
    """The seconds since the form was created; 0 for a token that this site has not signed."""
    try:
        value = signing.Signer(salt=_SALT).unsign(token)
    except signing.BadSignature:
        return 0.0
    created_at = int(value.rpartition(".")[2]) / 1000
    return max(0.0, time.time() - created_at)


def submission_id(token: str, *, email: str, message: str) -> str:
    """An id for a submitted form; a double click gives the same id.

    The id depends on the email address and the message too. So a visitor who goes back, changes
    the text and sends the form again gets a new job; and if a cache serves one page to two
    people, neither sees the job of the other. A token that this site has not signed is replaced
    by a random one, so each submission gets its own id.
    """
    try:
        signing.Signer(salt=_SALT).unsign(token)
    except signing.BadSignature:
        token = secrets.token_urlsafe(32)
    return hashlib.sha256(f"{token}\0{email}\0{message}".encode()).hexdigest()

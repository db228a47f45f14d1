"""The form's one-time token: when the form was made, and which sending is a repetition.

It is signed and kept nowhere, so that a page with a form costs no query and no session.
"""

import hashlib
import secrets
import time
from typing import Final

from django.core import signing

_SALT: Final = "feedback.form"


def new_token() -> str:
    made_at = int(time.time() * 1000)
    return signing.Signer(salt=_SALT).sign(f"{secrets.token_urlsafe(12)}.{made_at}")


def age(token: str) -> float:
    """The seconds since the form was made; 0 for a token that this site has not made."""
    try:
        value = signing.Signer(salt=_SALT).unsign(token)
    except signing.BadSignature:
        return 0.0
    made_at = int(value.rpartition(".")[2]) / 1000
    return max(0.0, time.time() - made_at)


def submission_of(token: str, *, email: str, message: str) -> str:
    """A name for one sending of one form: a double click has the same one.

    What was written is part of it. Who goes back, mends the text and sends the old form again
    has sent something new; and should a cache hand one page to two people, neither is shown the
    other's job. A token that this site has not made names nothing: each sending is its own.
    """
    try:
        signing.Signer(salt=_SALT).unsign(token)
    except signing.BadSignature:
        token = secrets.token_urlsafe(32)
    return hashlib.sha256(f"{token}\0{email}\0{message}".encode()).hexdigest()

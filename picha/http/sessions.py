"""Session store: Django's database sessions, for cookies that contain any characters.

A cookie can contain a NUL (`"\\000"`). PostgreSQL does not answer that such a key does not exist:
it raises an error.
"""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def __init__(self, session_key: str | None = None) -> None:
        """Django's keys consist of lower-case letters and digits; any other key is ignored."""
        is_key = bool(session_key and session_key.isascii() and session_key.isalnum())
        super().__init__(session_key if is_key else None)

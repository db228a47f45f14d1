"""Sessions in the database, whatever a browser's cookie says.

A cookie may hold any sign, NUL among them (`"\\000"`), and PostgreSQL does not say of such a key
that there is none: it raises an error.
"""

from django.contrib.sessions.backends import db


class SessionStore(db.SessionStore):
    def __init__(self, session_key: str | None = None) -> None:
        """Django makes keys of small letters and digits; any other is nobody's."""
        is_key = bool(session_key and session_key.isascii() and session_key.isalnum())
        super().__init__(session_key if is_key else None)

"""Reads from the database which rights the connected users have now."""

from collections.abc import Iterable
from typing import Any

from django.contrib import auth
from django.contrib.auth.models import AnonymousUser

from realtime.access import Viewer
from realtime.live.session_users import sessions_of, users_of

Identity = tuple[str, int]
"""A connection's session key, empty where there is no session, and its user's id."""


def parse_user_id(text: str) -> Any:
    """The id of a user, as the project's user model has it, from its text."""
    return auth.get_user_model()._meta.pk.to_python(text)


def viewers_of(identities: Iterable[Identity]) -> dict[Identity, Viewer]:
    """The viewer of each; an anonymous one if the user has logged out or is not active.

    It takes one query for sessions and one for users, and those for the permissions of staff.
    """
    identities = set(identities)
    session_users = users_of(sessions_of({key for key, _ in identities if key}))
    ids = [user_id for key, user_id in identities if not key]
    users = auth.get_user_model()._default_manager.in_bulk(ids) if ids else {}
    return {
        (key, user_id): Viewer.of(
            (session_users.get(key) if key else users.get(user_id)) or AnonymousUser()
        )
        for key, user_id in identities
    }

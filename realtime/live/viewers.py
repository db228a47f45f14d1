"""Reads from the database which rights the connected users have now."""

from collections.abc import Iterable
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.models import AnonymousUser

from realtime.access import Viewer

Identity = tuple[str, int]
"""A connection's session key, empty where there is no session, and its user's id."""


def viewers_of(identities: Iterable[Identity]) -> dict[Identity, Viewer]:
    """The viewer of each; an anonymous one if the user has logged out or is not active."""
    return {identity: _viewer_of(*identity) for identity in set(identities)}


def _viewer_of(session_key: str, user_id: int) -> Viewer:
    if not session_key:
        user = auth.get_user_model().objects.filter(pk=user_id).first()
        return Viewer.of(user or AnonymousUser())
    store: Any = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    request: Any = SimpleNamespace(session=store)
    return Viewer.of(auth.get_user(request))

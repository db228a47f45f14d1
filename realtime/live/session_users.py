"""Reads sessions and their users, many with few queries. It never changes a session.

`django.contrib.auth.get_user` reads one session, and may delete it or change its key, of which a
browser with an open socket would learn nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from importlib import import_module
from typing import Any, Final

from django.conf import settings
from django.contrib import auth
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends import cache, cached_db, db
from django.core.exceptions import ObjectDoesNotExist, ValidationError
from django.utils import timezone
from django.utils.crypto import constant_time_compare

Session = Mapping[str, Any]

DATABASE_LOADS: Final = (db.SessionStore.load, cached_db.SessionStore.load)


def session_store(key: str | None) -> Any:
    return _session_store_class()(key)


def sessions_of(keys: Iterable[str]) -> dict[str, Session]:
    """The sessions with these keys; one query if the database or a cache has all of them."""
    store_class = _session_store_class()
    stores = {key: store_class(key) for key in keys}
    if stores and store_class.load is cache.SessionStore.load:
        return _cached_sessions(stores)
    if not _reads_all_rows(store_class):
        return stores
    rows = store_class.get_model_class().objects.filter(
        session_key__in=[store.session_key for store in stores.values()],
        expire_date__gt=timezone.now(),
    )
    decode = store_class().decode
    return {row.session_key: decode(row.session_data) for row in rows}


def _cached_sessions(stores: Mapping[str, Any]) -> dict[str, Session]:
    """Raises the errors of the cache. Django's engine takes them for the end of a session."""
    keys = {store.cache_key: key for key, store in stores.items()}
    # Django internal: the cache in which the engine keeps the sessions.
    [a_store, *_] = stores.values()
    return {keys[name]: session for name, session in a_store._cache.get_many(keys).items()}


def _reads_all_rows(store_class: Any) -> bool:
    """Whether a session is valid if its row is: the engine has no way of its own to load it."""
    # Django internal: the method with which both engines select a session's row.
    select = db.SessionStore._get_session_from_db  # type: ignore[attr-defined]
    return store_class.load in DATABASE_LOADS and store_class._get_session_from_db is select


def users_of(sessions: Mapping[str, Session]) -> dict[str, AbstractBaseUser]:
    """The users who are logged in, by session key."""
    ids: dict[str, tuple[str, Any]] = {}
    ids_of_backend = defaultdict(set)
    for key, session in sessions.items():
        path, user_id = session.get(auth.BACKEND_SESSION_KEY, ""), _user_id_in(session)
        if path in settings.AUTHENTICATION_BACKENDS and user_id is not None:
            ids[key] = path, user_id
            ids_of_backend[path].add(user_id)
    users = {path: _load_users(path, pks) for path, pks in ids_of_backend.items()}
    return {
        key: user
        for key, (path, user_id) in ids.items()
        if (user := users[path].get(user_id)) and _is_verified(sessions[key], user)
    }


def _user_id_in(session: Session) -> Any:
    try:
        return auth.get_user_model()._meta.pk.to_python(session.get(auth.SESSION_KEY))
    except ValidationError:
        return None  # The project had another user model when this user logged in.


def _load_users(backend_path: str, ids: set[Any]) -> dict[Any, AbstractBaseUser]:
    backend: Any = auth.load_backend(backend_path)
    if type(backend).get_user is not ModelBackend.get_user:
        return {user_id: user for user_id in ids if (user := _load_user(backend, user_id))}
    users = auth.get_user_model()._default_manager.in_bulk(ids)
    return {pk: user for pk, user in users.items() if backend.user_can_authenticate(user)}


def _load_user(backend: Any, user_id: Any) -> Any:
    with suppress(ObjectDoesNotExist):  # It should return None for a user who was deleted.
        return backend.get_user(user_id)


def _is_verified(session: Session, user: Any) -> bool:
    """Whether the password is the same as at the login; checked in the same way as Django does."""
    if not hasattr(user, "get_session_auth_hash"):
        return True
    session_hash = session.get(auth.HASH_SESSION_KEY)
    if not session_hash:
        return False
    return constant_time_compare(session_hash, user.get_session_auth_hash()) or any(
        constant_time_compare(session_hash, each) for each in user.get_session_auth_fallback_hash()
    )


def _session_store_class() -> Any:
    return import_module(settings.SESSION_ENGINE).SessionStore

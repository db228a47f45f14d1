from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.models import User
from django.contrib.sessions.backends import db
from django.core.cache.backends.locmem import LocMemCache
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from realtime.access import Viewer
from realtime.live.viewers import viewers_of
from realtime.tests.support.people import operator, user

pytestmark = pytest.mark.django_db

ENGINES = [
    "picha.http.sessions",
    "django.contrib.sessions.backends.db",
    "django.contrib.sessions.backends.cached_db",
    "django.contrib.sessions.backends.cache",
]


class SessionStore(db.SessionStore):
    """A session engine with a way of its own to load sessions; this module is the engine."""

    def load(self) -> dict[str, Any]:
        return dict(super().load())


class CheckedSessionStore(db.SessionStore):
    """A session engine that accepts only some sessions of the database."""

    __qualname__ = "SessionStore"  # It is part of the salt of the sessions' signatures.

    def _get_session_from_db(self) -> Any:
        self._session_key = None
        return None


class UnreachableCache(LocMemCache):
    """A cache whose server does not answer any more."""

    def get(self, *args: Any, **options: Any) -> Any:
        raise ConnectionError("The cache is away.")


class StrictBackend(ModelBackend):
    """An authentication backend that raises an error for a user who does not exist."""

    def get_user(self, user_id: int) -> Any:
        return User.objects.get(pk=user_id)


class OwnBackend(ModelBackend):
    """An authentication backend with a way of its own to load users."""

    def get_user(self, user_id: int) -> Any:
        return super().get_user(user_id)


def log_in(person: User, **options: Any) -> str:
    """The session key of a new session."""
    client = Client()
    client.force_login(person, **options)
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


@pytest.mark.parametrize("engine", [*ENGINES, __name__])
def test_each_session_has_the_viewer_of_its_user(settings: Settings, engine: str) -> None:
    settings.SESSION_ENGINE = engine
    ada, op = user("ada"), operator("op")
    identities = [(log_in(ada), ada.pk), (log_in(ada), ada.pk), (log_in(op), op.pk)]
    ada_viewer, op_viewer = Viewer(user_id=ada.pk), Viewer(user_id=op.pk, is_operator=True)
    viewers = viewers_of([*identities, ("no-such-session", ada.pk)])
    assert [viewers[each] for each in identities] == [ada_viewer, ada_viewer, op_viewer]
    assert viewers["no-such-session", ada.pk] == Viewer()


@pytest.mark.parametrize(
    ("engine", "queries"), [(ENGINES[0], 2), (ENGINES[1], 2), (ENGINES[2], 2), (ENGINES[3], 1)]
)
def test_the_number_of_queries_does_not_grow_with_the_number_of_users(
    settings: Settings,
    django_assert_num_queries: DjangoAssertNumQueries,
    engine: str,
    queries: int,
) -> None:
    settings.SESSION_ENGINE = engine
    people = [user(f"user{number}") for number in range(10)]
    identities = [(log_in(person), person.pk) for person in people]
    with django_assert_num_queries(queries):
        viewers = viewers_of(identities)
    assert all(viewers[each] == Viewer(user_id=each[1]) for each in identities)


def test_connections_without_a_session_are_read_together(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    people = [user("ada"), user("bob"), user("eve", is_active=False)]
    with django_assert_num_queries(1):
        viewers = viewers_of([*(("", person.pk) for person in people), ("", 12345)])
    viewer_ids = {user_id: viewer.user_id for (_, user_id), viewer in viewers.items()}
    ada, bob, eve = (person.pk for person in people)
    assert viewer_ids == {ada: ada, bob: bob, eve: None, 12345: None}


def log_out(person: User, key: str) -> None:
    store().delete(key)


def expire(person: User, key: str) -> None:
    store().model.objects.filter(pk=key).update(expire_date=timezone.now())


def change_password(person: User, key: str) -> None:
    person.set_password("another password")
    person.save()


def deactivate(person: User, key: str) -> None:
    person.is_active = False
    person.save()


def delete(person: User, key: str) -> None:
    person.delete()


def use_removed_backend(person: User, key: str) -> None:
    session = store(key)
    session[BACKEND_SESSION_KEY] = "a.backend.that.was.Removed"
    session.save()


def store(key: str | None = None) -> Any:
    return import_module(django_settings.SESSION_ENGINE).SessionStore(key)


def use_key_of_another_user_model(person: User, key: str) -> None:
    session = store(key)
    session[SESSION_KEY] = "0190163d-8694-739b-aea5-966c26f8ad90"
    session.save()


def remove_password_hash(person: User, key: str) -> None:
    session = store(key)
    session[HASH_SESSION_KEY] = ""
    session.save()


@pytest.mark.parametrize(
    "end",
    [
        log_out,
        expire,
        change_password,
        deactivate,
        delete,
        use_removed_backend,
        use_key_of_another_user_model,
        remove_password_hash,
    ],
)
def test_a_session_that_has_ended_has_an_anonymous_viewer(end: Callable[[User, str], None]) -> None:
    ada = user("ada")
    key, user_id = log_in(ada), ada.pk
    end(ada, key)
    assert viewers_of([(key, user_id)]) == {(key, user_id): Viewer()}


def test_a_session_of_the_previous_secret_key_is_valid_and_not_changed(settings: Settings) -> None:
    ada = user("ada")
    key = log_in(ada)
    row = store().model.objects.get(pk=key)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another secret"
    assert viewers_of([(key, ada.pk)]) == {(key, ada.pk): Viewer(user_id=ada.pk)}
    assert store().model.objects.get(pk=key).session_data == row.session_data


def test_an_authentication_backend_may_load_users_in_its_own_way(settings: Settings) -> None:
    backend = f"{__name__}.OwnBackend"
    settings.AUTHENTICATION_BACKENDS = [backend]
    ada, eve = user("ada"), user("eve", is_active=False)
    keys = [log_in(person, backend=backend) for person in (ada, eve)]
    viewers = viewers_of([(keys[0], ada.pk), (keys[1], eve.pk)])
    assert viewers == {(keys[0], ada.pk): Viewer(user_id=ada.pk), (keys[1], eve.pk): Viewer()}


def test_a_backend_that_raises_for_a_deleted_user_does_not_stop_the_check(
    settings: Settings,
) -> None:
    backend = f"{__name__}.StrictBackend"
    settings.AUTHENTICATION_BACKENDS = [backend]
    ada, eve = user("ada"), user("eve")
    identities = [(log_in(person, backend=backend), person.pk) for person in (ada, eve)]
    eve.delete()
    viewers = viewers_of(identities)
    assert [viewers[each] for each in identities] == [Viewer(user_id=ada.pk), Viewer()]


def test_a_session_engine_may_select_the_sessions_of_the_database(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = user("ada")
    key = log_in(ada)
    settings.SESSION_ENGINE = __name__
    monkeypatch.setitem(globals(), "SessionStore", CheckedSessionStore)
    assert viewers_of([(key, ada.pk)]) == {(key, ada.pk): Viewer()}


def test_nobody_counts_as_logged_out_while_the_cache_of_the_sessions_is_down(
    settings: Settings,
) -> None:
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.cache"
    ada = user("ada")
    key = log_in(ada)
    settings.CACHES = {"default": {"BACKEND": f"{__name__}.UnreachableCache"}}
    with pytest.raises(ConnectionError):
        viewers_of([(key, ada.pk)])

"""People with an account on the running site, made by a process that works on its database.

    python -m picha.tests.users

prints them, with a session each: most tests are about what people may see, not about logging in.
"""

import json
import secrets
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

import django
from django.apps import apps
from django.conf import settings
from django.contrib.auth import (
    BACKEND_SESSION_KEY,
    HASH_SESSION_KEY,
    SESSION_KEY,
    get_user_model,
)
from django.contrib.sessions.backends.db import SessionStore

from picha.tests.stack import HOME, Stack

BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, kw_only=True)
class Person:
    username: str
    password: str
    cookie: str
    session: str

    @property
    def cookies(self) -> dict[str, str]:
        return {self.cookie: self.session}


@dataclass(frozen=True, kw_only=True)
class People:
    user: Person
    other_user: Person
    staff: Person
    """May use the admin, and may not view jobs."""
    operator: Person
    retired_operator: Person
    """Deactivated since, with a session of before."""


KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "user": {},
    "other_user": {},
    "staff": {"is_staff": True},
    "operator": {"is_staff": True},
    "retired_operator": {"is_staff": True, "is_active": False},
}


def create_people(stack: Stack) -> People:
    made = subprocess.run(
        [sys.executable, "-m", "picha.tests.users"],
        cwd=HOME,
        env=stack.environment() | {"DJANGO_SETTINGS_MODULE": "picha.settings"},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    found = json.loads(made.stdout)
    return People(**{kind: Person(**person) for kind, person in found.items()})


def _create(kind: str) -> Person:
    password = secrets.token_urlsafe(12)
    user = get_user_model().objects.create_user(
        f"{kind}-{secrets.token_hex(4)}", password=password, **KINDS[kind]
    )
    if kind in {"operator", "retired_operator"}:
        permissions = apps.get_model("auth", "Permission").objects
        user.user_permissions.set(permissions.filter(codename="view_job"))
    return Person(
        username=user.get_username(),
        password=password,
        cookie=settings.SESSION_COOKIE_NAME,
        session=_session(user),
    )


def _session(user: Any) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key or ""


if __name__ == "__main__":
    django.setup()
    print(json.dumps({kind: asdict(_create(kind)) for kind in KINDS}))  # noqa: T201 - read by create_people

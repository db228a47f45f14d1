"""Users of the running site, created by a process that uses the site's database.

`python -m picha.tests.users` creates them and prints them as JSON, each with a session, so that a
test need not log in.
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

from picha.run.plan import HOME
from picha.tests.stack import Stack

BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


@dataclass(frozen=True, kw_only=True)
class SiteUser:
    username: str
    password: str
    cookie: str
    session: str

    @property
    def cookies(self) -> dict[str, str]:
        return {self.cookie: self.session}


@dataclass(frozen=True, kw_only=True)
class SiteUsers:
    user: SiteUser
    other_user: SiteUser
    staff: SiteUser
    """May use the admin, but has no permission to view jobs."""
    operator: SiteUser
    deactivated_operator: SiteUser
    """Has a session, but is not active any more."""


KINDS: Final[Mapping[str, Mapping[str, Any]]] = {
    "user": {},
    "other_user": {},
    "staff": {"is_staff": True},
    "operator": {"is_staff": True},
    "deactivated_operator": {"is_staff": True, "is_active": False},
}


def create_users(stack: Stack) -> SiteUsers:
    process = subprocess.run(
        [sys.executable, "-m", "picha.tests.users"],
        cwd=HOME,
        env=stack.environment() | {"DJANGO_SETTINGS_MODULE": "picha.settings"},
        check=True,
        capture_output=True,
        text=True,
        timeout=120,
    )
    users = json.loads(process.stdout)
    return SiteUsers(**{kind: SiteUser(**user) for kind, user in users.items()})


def _create(kind: str) -> SiteUser:
    password = secrets.token_urlsafe(12)
    user = get_user_model().objects.create_user(
        f"{kind}-{secrets.token_hex(4)}", password=password, **KINDS[kind]
    )
    if kind in {"operator", "deactivated_operator"}:
        permissions = apps.get_model("auth", "Permission").objects
        user.user_permissions.set(permissions.filter(codename="view_job"))
    return SiteUser(
        username=user.get_username(),
        password=password,
        cookie=settings.SESSION_COOKIE_NAME,
        session=_new_session(user),
    )


def _new_session(user: Any) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = BACKEND
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    return session.session_key or ""


if __name__ == "__main__":
    django.setup()
    print(json.dumps({kind: asdict(_create(kind)) for kind in KINDS}))  # noqa: T201 - create_users reads it

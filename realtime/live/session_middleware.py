"""Reads the session and the user of a socket into its scope.

Channels' `AuthMiddlewareStack` does that too, but wraps `send`: it looks at the session at each
message, which costs as much as the sending, and hides the server from the application.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.http import parse_cookie

from realtime.live.session_users import session_store, users_of

Application = Callable[..., Awaitable[None]]


def with_session_and_user(application: Application) -> Application:
    async def middleware(scope: dict[str, Any], receive: Any, send: Any) -> None:
        session = session_store(_session_key(scope))
        user: AbstractBaseUser | AnonymousUser = AnonymousUser()
        if session.session_key:
            user = await database_sync_to_async(_read_user)(session)
        await application({**scope, "session": session, "user": user}, receive, send)

    return middleware


def _read_user(session: Any) -> AbstractBaseUser | AnonymousUser:
    return users_of({"": session}).get("") or AnonymousUser()


def _session_key(scope: dict[str, Any]) -> str | None:
    # Over HTTP/2, browsers send cookies in several headers.
    cookies = b"; ".join(value for name, value in scope.get("headers", ()) if name == b"cookie")
    return parse_cookie(cookies.decode("latin-1")).get(settings.SESSION_COOKIE_NAME)

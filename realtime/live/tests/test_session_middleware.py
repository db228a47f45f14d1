from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.conf import settings as django_settings
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.test import Client

from realtime.live.session_middleware import with_session_and_user
from realtime.tests.support.people import user

pytestmark = pytest.mark.django_db(transaction=True)


class Application:
    def __init__(self) -> None:
        self.scope: dict[str, Any] = {}
        self.arguments: tuple[Any, ...] = ()

    async def __call__(self, scope: dict[str, Any], *arguments: Any) -> None:
        self.scope, self.arguments = scope, arguments


def log_in(person: User) -> str:
    client = Client()
    client.force_login(person)
    return client.cookies[django_settings.SESSION_COOKIE_NAME].value


async def scope_with(*cookies: str) -> dict[str, Any]:
    """The scope that the application gets for a handshake with these headers of cookies."""
    application = Application()
    headers = [(b"host", b"example.com")]
    headers += [(b"cookie", cookie.encode("latin-1")) for cookie in cookies]
    scope = {"type": "websocket", "path": "/ws/jobs/", "headers": headers}
    await with_session_and_user(application)(scope, None, None)
    assert application.scope["path"] == "/ws/jobs/"
    return application.scope


async def test_the_user_of_the_session_is_in_the_scope() -> None:
    ada = await sync_to_async(user)("ada")
    key = await sync_to_async(log_in)(ada)
    scope = await scope_with(f"a=b; {django_settings.SESSION_COOKIE_NAME}={key}")
    assert scope["user"] == ada
    assert scope["session"].session_key == key


async def test_each_cookie_may_have_a_header_of_its_own() -> None:
    ada = await sync_to_async(user)("ada")
    key = await sync_to_async(log_in)(ada)
    scope = await scope_with("a=b", f"{django_settings.SESSION_COOKIE_NAME}={key}", "c=d")
    assert scope["user"] == ada


async def test_a_handshake_without_cookies_has_no_user() -> None:
    assert (await scope_with())["user"].is_anonymous


@pytest.mark.parametrize(
    "cookie", ["", "a=b", "sessionid=", "sessionid=unknown0", 'sessionid="\\000"; =; ;;\xff']
)
async def test_other_cookies_have_no_user(cookie: str) -> None:
    scope = await scope_with(cookie.replace("sessionid", django_settings.SESSION_COOKIE_NAME))
    assert scope["user"].is_anonymous


async def test_a_session_that_has_ended_has_no_user() -> None:
    key = await sync_to_async(log_in)(await sync_to_async(user)("ada"))
    await Session.objects.all().adelete()
    scope = await scope_with(f"{django_settings.SESSION_COOKIE_NAME}={key}")
    assert scope["user"].is_anonymous


async def test_receive_and_send_are_passed_on_as_they_are() -> None:
    application, receive, send = Application(), object(), object()
    await with_session_and_user(application)({"type": "websocket"}, receive, send)
    assert application.arguments == (receive, send)

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client

from picha.http.sessions import SessionStore

pytestmark = pytest.mark.django_db

PAGES = ["/", "/feedback/", "/photos/imports/", "/ops/", "/accounts/login/"]


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("key", ["\0" * 8, '"' + "\\000" * 8 + '"', '"abcdefgh\\000"', "é" * 8])
def test_an_impossible_session_key_is_ignored(page: str, key: str) -> None:
    without_cookie = Client()
    with_cookie = Client(headers={"Cookie": f"{settings.SESSION_COOKIE_NAME}={key}"})
    assert with_cookie.get(page).status_code == without_cookie.get(page).status_code


def test_a_session_of_the_site_is_found() -> None:
    client = Client()
    client.force_login(User.objects.create_user("ada"))
    key = client.cookies[settings.SESSION_COOKIE_NAME].value
    assert SessionStore(key).get("_auth_user_id")
    assert client.get("/photos/imports/").status_code == 200

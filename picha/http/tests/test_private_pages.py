from typing import Final

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import AsyncClient, Client, RequestFactory

from picha.http.private_pages import private_pages
from realtime.tests.support.people import user

pytestmark = pytest.mark.django_db

KEY: Final = "a.watch:key"
JOB: Final = "0194a1b2-0000-7000-8000-000000000000"


@pytest.mark.parametrize("path", ["/", "/photos/imports/", "/feedback/", "/nothing/", "/ops/"])
def test_no_cache_keeps_a_page_of_a_user(client: Client, path: str) -> None:
    client.force_login(user())
    response = client.get(path)
    assert "no-store" in response["Cache-Control"]
    assert "private" in response["Cache-Control"]


def test_the_redirect_to_the_log_in_page_is_not_kept(client: Client) -> None:
    assert "private" in client.get("/photos/imports/")["Cache-Control"]


def test_only_the_browser_of_a_visitor_keeps_a_page_with_its_token(client: Client) -> None:
    assert client.get("/")["Cache-Control"] == "private, no-cache"


def test_a_session_that_has_ended_counts_too(client: Client) -> None:
    client.cookies[settings.SESSION_COOKIE_NAME] = "ended"
    assert "no-store" in client.get("/")["Cache-Control"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"/jobs/{JOB}", 301),
        (f"/jobs/{JOB}/file", 301),
        (f"/feedback/sent/{JOB}", 404),
        (f"/jobs/{JOB}/", 404),
        (f"/jobs/{JOB}/file/", 404),
        (f"/jobs/{JOB}.json", 404),
        (f"/jobs/{JOB}/cancel/", 405),
        ("/jobs/nothing/", 404),
        ("/", 200),
    ],
)
@pytest.mark.parametrize("has_session", [False, True])
def test_no_response_to_a_link_with_a_key_is_kept(
    client: Client, path: str, status: int, *, has_session: bool
) -> None:
    if has_session:
        client.force_login(user())
    response = client.get(path, {"key": KEY})
    assert response.status_code == status
    assert response["Cache-Control"] == "no-store"
    assert response["X-Robots-Tag"] == "noindex"
    assert response["Referrer-Policy"] in {"no-referrer", "strict-origin"}


@pytest.mark.django_db(transaction=True)
async def test_it_also_runs_asynchronously(async_client: AsyncClient) -> None:
    response = await async_client.get(f"/jobs/{JOB}", {"key": KEY})
    assert response["Cache-Control"] == "no-store"


def test_the_cache_control_of_a_view_stays() -> None:
    response = HttpResponse(headers={"Cache-Control": "public, max-age=60"})
    request = RequestFactory().get("/", {"key": KEY})
    assert private_pages(lambda _: response)(request)["Cache-Control"] == "public, max-age=60"

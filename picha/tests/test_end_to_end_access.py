"""Requests every URL of the site as every kind of user.

A new URL fails here until the table says who may see it.
"""

import re
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import httpx
import pytest

from picha.tests.access_table import (
    ANONYMOUS,
    KINDS,
    LOGIN,
    OPEN_WITH_KEY,
    SOCKETS,
    STATUS_OF_GET,
    Kind,
    job_path,
)
from picha.tests.conftest import ClientFor
from picha.tests.http_client import SentFeedback, post_feedback
from picha.tests.pages import FeedbackData
from picha.tests.stack import Stack
from picha.tests.url_names import admin_path, url_names
from realtime.routing import websocket_urlpatterns

pytestmark = [pytest.mark.stack, pytest.mark.once]


def test_the_table_has_every_url() -> None:
    names = {"admin" if name.startswith("admin:") else name for name in url_names()}
    assert names == set(STATUS_OF_GET)
    assert {str(route.pattern) for route in websocket_urlpatterns} == SOCKETS


@pytest.mark.parametrize("kind", KINDS)
def test_each_url_has_the_status_of_the_table(
    kind: Kind, client_for: ClientFor, paths: Mapping[str, str]
) -> None:
    client = client_for(kind)
    responses = {name: client.get(path) for name, path in paths.items()}

    assert {name: status(name, response) for name, response in responses.items()} == {
        name: statuses[kind] for name, statuses in STATUS_OF_GET.items()
    }
    for name, response in responses.items():
        if response.status_code == LOGIN and name != "login":
            target = urlsplit(response.headers["Location"])
            assert target.path in {"/accounts/login/", "/admin/login/"}
            assert target.query.startswith("next=")


def status(name: str, response: httpx.Response) -> int:
    """503 from `/readyz` means that a part of the site is down: this user may read it."""
    is_down = name == "readyz" and response.status_code == HTTPStatus.SERVICE_UNAVAILABLE
    return HTTPStatus.OK if is_down else response.status_code


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", OPEN_WITH_KEY)
def test_everybody_with_the_key_may_see_the_job(
    name: str, kind: Kind, client_for: ClientFor, stack: Stack
) -> None:
    topic = "https://robot.example/" if name == "feedback:decoy" else ""
    sent = post_feedback(stack, FeedbackData.unique(), topic=topic)
    response = client_for(kind).get(f"{job_path(sent, name)}?key={sent.key}")

    assert response.status_code == HTTPStatus.OK
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert "no-store" in response.headers["Cache-Control"]
    assert "noindex" in response.headers["X-Robots-Tag"]


@pytest.mark.parametrize("name", ["realtime:job", "realtime:snapshot", "realtime:events"])
def test_a_wrong_key_and_an_unknown_job_have_the_same_response(
    name: str, client_for: ClientFor, sent_feedback: SentFeedback
) -> None:
    client, path, key = client_for(ANONYMOUS), job_path(sent_feedback, name), sent_feedback.key
    wrong_key = f"{key[:-1]}{'A' if key[-1] != 'A' else 'B'}"
    unknown = path.replace(sent_feedback.job_id, "01a00000-0000-7000-8000-000000000000")
    urls = (path, f"{path}?key={wrong_key}", f"{path}?key=", unknown, f"{unknown}?key={key}")
    responses = [client.get(url) for url in urls]

    assert {response.status_code for response in responses} == {HTTPStatus.NOT_FOUND}
    assert len({without_tokens(response.text) for response in responses}) == 1


def without_tokens(html: str) -> str:
    """The form on every page has new tokens in each response."""
    return re.sub(r'(name="(?:token|csrfmiddlewaretoken)" value=)"[^"]*"', r"\1", html)


@pytest.mark.parametrize("kind", [ANONYMOUS, "user", "deactivated_operator"])
def test_only_staff_may_see_any_page_of_the_admin(kind: Kind, client_for: ClientFor) -> None:
    client = client_for(kind)
    names = [name for name in url_names() if name.startswith("admin:") and name != "admin:login"]
    assert len(names) > 30
    for name in names:
        response = client.get(admin_path(name))
        target = urlsplit(response.headers.get("Location", "")).path
        assert (response.status_code, target) in {
            (LOGIN, "/admin/login/"),
            (LOGIN, "/admin/"),  # the logout page redirects there
        }, name

from collections.abc import Callable
from http import HTTPStatus
from typing import Final
from uuid import uuid4

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, reverse

from realtime.dashboard.tests.pages import OVERVIEW, client_of, job_url, make_job
from realtime.dashboard.urls import urlpatterns
from realtime.models import Job
from realtime.states import Visibility
from realtime.tests.support import people

pytestmark = pytest.mark.django_db


def changed_operator(**fields: bool) -> User:
    """An operator whose account has changed since."""
    user = people.operator()
    User.objects.filter(pk=user.pk).update(**fields)
    return user


PERSONAS: Final[dict[str, tuple[Callable[[], User | None], HTTPStatus]]] = {
    "visitor": (lambda: None, HTTPStatus.FOUND),
    "user": (people.user, HTTPStatus.FORBIDDEN),
    "staff without the permission": (
        lambda: people.user(is_staff=True),
        HTTPStatus.FORBIDDEN,
    ),
    "operator who is no longer staff": (
        lambda: changed_operator(is_staff=False),
        HTTPStatus.FORBIDDEN,
    ),
    "deactivated operator": (lambda: changed_operator(is_active=False), HTTPStatus.FOUND),
    "operator": (people.operator, HTTPStatus.OK),
    "superuser": (lambda: people.user(is_staff=True, is_superuser=True), HTTPStatus.OK),
}


@pytest.mark.parametrize("persona", PERSONAS)
@pytest.mark.parametrize("route", ["overview", "job", "no such job"])
def test_only_operators_may_open_a_page(persona: str, route: str) -> None:
    make_user, expected = PERSONAS[persona]
    routes = {
        "overview": OVERVIEW,
        "job": job_url(make_job(title="Secret title", visibility=Visibility.PUBLIC)),
        "no such job": reverse("dashboard:job", args=[uuid4()]),
    }
    if route == "no such job" and expected == HTTPStatus.OK:
        expected = HTTPStatus.NOT_FOUND
    answer = client_of(make_user()).get(routes[route])
    assert answer.status_code == expected
    assert (b"Secret title" in answer.content) is (
        expected == HTTPStatus.OK and route != "no such job"
    )
    if expected == HTTPStatus.FOUND:
        assert answer["Location"] == f"/accounts/login/?next={routes[route]}"


def test_the_owner_of_a_job_may_not_open_its_page_in_the_dashboard() -> None:
    user = people.user()
    assert client_of(user).get(job_url(make_job(owner=user))).status_code == HTTPStatus.FORBIDDEN


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_the_dashboard_allows_only_reading(method: str, operator: Client) -> None:
    job = make_job()
    for url in (OVERVIEW, job_url(job)):
        assert getattr(operator, method)(url).status_code == HTTPStatus.METHOD_NOT_ALLOWED
    assert Job.objects.get().revision == job.revision


def test_no_page_is_cached(operator: Client) -> None:
    for url in (OVERVIEW, job_url(make_job())):
        assert "no-store" in operator.get(url)["Cache-Control"]


@pytest.mark.parametrize("pattern", urlpatterns, ids=lambda pattern: str(pattern.name))
def test_every_url_of_the_dashboard_asks_visitors_to_log_in(
    pattern: URLPattern, client: Client
) -> None:
    args = [uuid4()] if pattern.pattern.converters else []
    answer = client.get(reverse(f"dashboard:{pattern.name}", args=args), {"a": "b"})
    assert answer.status_code == HTTPStatus.FOUND
    assert answer["Location"].startswith("/accounts/login/?next=/ops/")
    assert answer["Location"].endswith("%3Fa%3Db")

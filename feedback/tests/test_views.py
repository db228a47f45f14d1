import asyncio
import re
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any, Final
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from feedback.models import Feedback
from feedback.tokens import new_token
from realtime.access import is_valid_watch_key
from realtime.models import Job

pytestmark = pytest.mark.django_db

URL: Final = "/feedback/"
JOB: Final = re.compile(r"/jobs/([0-9a-f-]{36})/\?key=([^&]+)$")


def job_of(location: str) -> UUID:
    found = JOB.search(location)
    assert found
    assert is_valid_watch_key(found[2], UUID(found[1]))
    return UUID(found[1])


def nothing_happened() -> bool:
    return not Feedback.objects.exists() and not Job.objects.exists()


def test_the_page_has_the_form(client: Client) -> None:
    page = client.get(URL)
    assert page.status_code == HTTPStatus.OK
    assert 'name="message"' in page.content.decode()
    assert "no-store" in page["Cache-Control"]


def test_the_page_costs_no_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        client.get(URL)


def test_the_page_has_one_form_for_feedback_only(client: Client) -> None:
    assert client.get(URL).content.decode().count('name="topic"') == 1


def test_sending_leads_to_the_jobs_page(client: Client, form_data: dict[str, Any]) -> None:
    answer = client.post(URL, form_data | {"token": new_token()})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert answer["Location"].startswith("/jobs/")
    assert job_of(answer["Location"]) == Feedback.objects.get().job_id
    assert "no-store" in answer["Cache-Control"]


def test_a_double_click_is_one_feedback(client: Client, form_data: dict[str, Any]) -> None:
    data = form_data | {"token": new_token()}
    first, second = (job_of(client.post(URL, data)["Location"]) for _ in range(2))
    assert first == second
    assert (Feedback.objects.count(), Job.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
def test_two_clicks_at_the_same_moment_are_one_feedback(form_data: dict[str, Any]) -> None:
    data = form_data | {"token": new_token()}

    def click(_: int) -> str:
        try:
            return Client().post(URL, data)["Location"]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(click, range(4)))
    assert len({job_of(place) for place in places}) == 1
    assert (Feedback.objects.count(), Job.objects.count()) == (1, 1)


def test_the_old_form_with_a_new_text_is_new_feedback(
    client: Client, form_data: dict[str, Any]
) -> None:
    data = form_data | {"token": new_token()}
    client.post(URL, data)
    client.post(URL, data | {"message": "One more thing"})
    assert Feedback.objects.count() == 2


@pytest.mark.parametrize("token", [{}, {"token": ""}, {"token": "forged"}])
def test_a_form_without_a_good_token_is_taken_all_the_same(
    token: dict[str, str], client: Client, form_data: dict[str, Any]
) -> None:
    job_id = job_of(client.post(URL, form_data | token)["Location"])
    assert Feedback.objects.get().job_id == job_id


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"email": ""}, "Enter your email address"),
        ({"email": "ann"}, "Is there a slip in it?"),
        ({"message": ""}, "Write your message first."),
        ({"message": "x" * 10_001}, "Your message has 10,001 characters"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(
    wrong: dict[str, str], sentence: str, client: Client, form_data: dict[str, Any]
) -> None:
    page = client.post(URL, form_data | wrong)
    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert sentence in page.content.decode()
    assert nothing_happened()


def test_what_was_typed_is_kept_and_stays_text(client: Client, form_data: dict[str, Any]) -> None:
    typed = "</textarea><script>alert(1)</script>"
    page = client.post(URL, form_data | {"email": "ann", "message": typed}).content.decode()
    assert "&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_a_form_larger_than_any_message_is_refused(
    client: Client, form_data: dict[str, Any]
) -> None:
    page = client.post(URL, form_data | {"message": "x" * 300_000})
    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert nothing_happened()


def test_a_form_without_the_csrf_token_is_refused(form_data: dict[str, Any]) -> None:
    answer = Client(enforce_csrf_checks=True).post(URL, form_data)
    assert answer.status_code == HTTPStatus.FORBIDDEN
    assert nothing_happened()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_other_method_is_taken(method: str, client: Client) -> None:
    assert getattr(client, method)(URL).status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_a_robot_in_the_honeypot_sees_what_everybody_sees(
    client: Client, form_data: dict[str, Any]
) -> None:
    real = client.post(URL, form_data)
    Feedback.objects.all().delete()
    Job.objects.all().delete()
    answer = client.post(URL, form_data | {"topic": "https://spam.example"})
    assert answer.status_code == real.status_code
    assert answer.headers.keys() == real.headers.keys()
    job_of(answer["Location"])
    assert nothing_happened()
    page = client.get(answer["Location"])
    assert page.status_code == HTTPStatus.OK
    assert "Your feedback has been delivered." in page.content.decode()
    assert "job-progress.js" not in page.content.decode(), "it would be told of no such job"
    assert page["Cache-Control"] == "no-store"
    assert nothing_happened()


def test_no_address_but_the_given_ones_shows_a_robots_page(
    client: Client, form_data: dict[str, Any]
) -> None:
    location = client.post(URL, form_data | {"topic": "x"})["Location"]
    assert client.get(location.partition("?")[0]).status_code == HTTPStatus.NOT_FOUND
    assert client.get(f"{location[:-2]}xx").status_code == HTTPStatus.NOT_FOUND
    assert client.post(location).status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_who_is_signed_in_owns_the_job(
    client: Client, django_user_model: type[User], form_data: dict[str, Any]
) -> None:
    ann = django_user_model.objects.create_user("ann")
    client.force_login(ann)
    client.post(URL, form_data)
    assert Job.objects.get().owner == ann


def test_who_is_quicker_than_a_person_waits(
    client: Client,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    form_data: dict[str, Any],
) -> None:
    slept: list[float] = []

    def sleep(seconds: float) -> Awaitable[None]:
        slept.append(seconds)
        return real_sleep(0)

    real_sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", sleep)
    settings.FEEDBACK_MIN_SECONDS = 600.0
    answer = client.post(URL, form_data | {"token": new_token()})
    assert answer.status_code == HTTPStatus.SEE_OTHER
    assert any(500 < seconds <= 600 for seconds in slept)


def test_the_address_of_the_page_is_the_one_that_is_linked() -> None:
    assert reverse("feedback:contact") == URL

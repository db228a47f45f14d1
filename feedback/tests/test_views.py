import asyncio
from collections.abc import Awaitable
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connections
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from feedback.models import Feedback
from feedback.tests.responses import URL, is_nothing_saved, job_id_in
from feedback.tokens import new_token
from realtime.models import Job

pytestmark = pytest.mark.django_db


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


def test_the_page_has_one_feedback_form(client: Client) -> None:
    assert client.get(URL).content.decode().count('name="topic"') == 1


def test_sending_redirects_to_the_page_of_the_job(
    client: Client, form_data: dict[str, Any]
) -> None:
    response = client.post(URL, form_data | {"token": new_token()})
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert response["Location"].startswith("/jobs/")
    assert job_id_in(response["Location"]) == Feedback.objects.get().job_id
    assert "no-store" in response["Cache-Control"]


def test_a_double_click_is_one_feedback(client: Client, form_data: dict[str, Any]) -> None:
    data = form_data | {"token": new_token()}
    first, second = (job_id_in(client.post(URL, data)["Location"]) for _ in range(2))
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
        locations = list(pool.map(click, range(4)))
    assert len({job_id_in(location) for location in locations}) == 1
    assert (Feedback.objects.count(), Job.objects.count()) == (1, 1)


def test_the_old_form_with_a_new_text_is_new_feedback(
    client: Client, form_data: dict[str, Any]
) -> None:
    data = form_data | {"token": new_token()}
    client.post(URL, data)
    client.post(URL, data | {"message": "One more thing"})
    assert Feedback.objects.count() == 2


def test_spellings_of_an_address_share_the_confirmations(
    client: Client, settings: Settings, form_data: dict[str, Any]
) -> None:
    settings.FEEDBACK_CONFIRMATIONS_PER_HOUR = 1
    spellings = ["ann@büro.example", "ann@BÜRO.example", "ANN@xn--bro-hoa.example"]
    for email in spellings:
        client.post(URL, form_data | {"email": email})
    assert list(Feedback.objects.order_by("pk").values_list("confirms", flat=True)) == [
        True,
        False,
        False,
    ]
    assert {feedback.email.lower() for feedback in Feedback.objects.all()} == {
        "ann@xn--bro-hoa.example"
    }


@pytest.mark.parametrize("token", [{}, {"token": ""}, {"token": "forged"}])
def test_a_form_without_a_valid_token_is_accepted(
    token: dict[str, str], client: Client, form_data: dict[str, Any]
) -> None:
    job_id = job_id_in(client.post(URL, form_data | token)["Location"])
    assert Feedback.objects.get().job_id == job_id


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"email": ""}, "Enter your email address"),
        ({"email": "ann"}, "Is there a typo in it?"),
        ({"email": "=?utf-8?q??=@visitor.example"}, "Is there a typo in it?"),
        ({"email": "ännchen@visitor.example"}, "We cannot write to this address"),
        ({"message": ""}, "Write your message first."),
        ({"message": "x" * 10_001}, "Your message has 10,001 characters"),
    ],
)
def test_bad_input_is_refused_with_a_sentence(
    changes: dict[str, str], sentence: str, client: Client, form_data: dict[str, Any]
) -> None:
    page = client.post(URL, form_data | changes)
    assert page.status_code == HTTPStatus.UNPROCESSABLE_ENTITY
    assert sentence in page.content.decode()
    assert is_nothing_saved()


def test_the_shown_form_keeps_and_escapes_the_input(
    client: Client, form_data: dict[str, Any]
) -> None:
    message = "</textarea><script>alert(1)</script>"
    page = client.post(URL, form_data | {"email": "ann", "message": message}).content.decode()
    assert "&lt;/textarea&gt;&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page


def test_a_too_large_request_is_refused(client: Client, form_data: dict[str, Any]) -> None:
    page = client.post(URL, form_data | {"message": "x" * 300_000})
    assert page.status_code == HTTPStatus.BAD_REQUEST
    assert is_nothing_saved()


def test_a_form_without_the_csrf_token_is_refused(form_data: dict[str, Any]) -> None:
    response = Client(enforce_csrf_checks=True).post(URL, form_data)
    assert response.status_code == HTTPStatus.FORBIDDEN
    assert is_nothing_saved()


@pytest.mark.parametrize("method", ["put", "patch", "delete"])
def test_no_other_method_is_allowed(method: str, client: Client) -> None:
    assert getattr(client, method)(URL).status_code == HTTPStatus.METHOD_NOT_ALLOWED


def test_a_signed_in_user_owns_the_job(
    client: Client, django_user_model: type[User], form_data: dict[str, Any]
) -> None:
    ann = django_user_model.objects.create_user("ann")
    client.force_login(ann)
    client.post(URL, form_data)
    assert Job.objects.get().owner == ann


def test_a_form_sent_too_early_waits(
    client: Client,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
    form_data: dict[str, Any],
) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> Awaitable[None]:
        waits.append(seconds)
        return real_sleep(0)

    real_sleep = asyncio.sleep
    monkeypatch.setattr(asyncio, "sleep", sleep)
    settings.FEEDBACK_MIN_SECONDS = 600.0
    response = client.post(URL, form_data | {"token": new_token()})
    assert response.status_code == HTTPStatus.SEE_OTHER
    assert any(500 < seconds <= 600 for seconds in waits)


def test_the_url_of_the_contact_page() -> None:
    assert reverse("feedback:contact") == URL

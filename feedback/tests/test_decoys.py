from http import HTTPStatus
from typing import Any

import pytest
from django.test import Client

from feedback.models import Feedback
from feedback.tests.responses import URL, is_nothing_saved, job_id_in
from realtime.models import Job

pytestmark = pytest.mark.django_db


def test_a_robot_in_the_honeypot_gets_the_usual_response(
    client: Client, form_data: dict[str, Any]
) -> None:
    usual_response = client.post(URL, form_data)
    Feedback.objects.all().delete()
    Job.objects.all().delete()
    response = client.post(URL, form_data | {"topic": "https://spam.example"})
    assert response.status_code == usual_response.status_code
    assert response.headers.keys() == usual_response.headers.keys()
    job_id_in(response["Location"])
    assert is_nothing_saved()
    page = client.get(response["Location"])
    assert page.status_code == HTTPStatus.OK
    assert "Your feedback has been delivered." in page.content.decode()
    assert "job-progress.js" not in page.content.decode(), "it would show that there is no such job"
    assert page["Cache-Control"] == "no-store"
    assert is_nothing_saved()


def test_a_robots_page_needs_its_signed_url(client: Client, form_data: dict[str, Any]) -> None:
    location = client.post(URL, form_data | {"topic": "x"})["Location"]
    assert client.get(location.partition("?")[0]).status_code == HTTPStatus.NOT_FOUND
    assert client.get(f"{location[:-2]}xx").status_code == HTTPStatus.NOT_FOUND
    assert client.post(location).status_code == HTTPStatus.METHOD_NOT_ALLOWED

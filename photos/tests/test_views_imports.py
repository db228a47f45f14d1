import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from photos.models import ImportRequest
from photos.tests.pages import IMPORTS, create_job, create_public_job, create_user, text_of
from realtime.models import Job
from realtime.states import JobState, Visibility

pytestmark = pytest.mark.django_db


def test_a_visitor_has_to_log_in(client: Client) -> None:
    for response in (client.get(IMPORTS), client.post(IMPORTS, form_data())):
        assert response.status_code == 302
        assert response.headers["Location"] == f"/accounts/login/?next={IMPORTS}"
    assert not Job.objects.exists()


def form_data(**fields: Any) -> dict[str, Any]:
    return {"tags": "sea, dusk", "limit": "60", "token": str(uuid.uuid4())} | fields


def test_a_form_starts_an_import_and_redirects_to_its_job(signed_in: Client, owner: User) -> None:
    response = signed_in.post(IMPORTS, form_data())
    job = Job.objects.get()
    assert response.status_code == 303
    assert response.headers["Location"] == reverse("realtime:job", args=[job.pk])
    assert (job.task, job.owner, job.visibility) == (
        "import_photos",
        owner,
        Visibility.PRIVATE,
    )
    assert job.kwargs == {"tags": "sea,dusk", "limit": 60}
    assert job.title == "Import 60 photos tagged sea, dusk"
    assert job.state == JobState.QUEUED


def test_a_double_click_is_one_import(signed_in: Client) -> None:
    data = form_data()
    first, second = signed_in.post(IMPORTS, data), signed_in.post(IMPORTS, data)
    assert first.headers["Location"] == second.headers["Location"]
    assert Job.objects.count() == ImportRequest.objects.count() == 1


def test_a_form_changed_after_going_back_is_another_import(signed_in: Client) -> None:
    data = form_data()
    signed_in.post(IMPORTS, data)
    signed_in.post(IMPORTS, data | {"tags": "forest"})
    assert Job.objects.count() == 2


def test_a_token_of_another_user_starts_an_own_import(signed_in: Client) -> None:
    data = form_data()
    own_url = signed_in.post(IMPORTS, data).headers["Location"]
    other = Client()
    other.force_login(create_user("eve"))
    assert other.post(IMPORTS, data).headers["Location"] != own_url


@pytest.mark.parametrize(
    "fields", [{"limit": "0"}, {"limit": "501"}, {"limit": ""}, {"token": ""}, {"tags": "x" * 65}]
)
def test_a_bad_form_starts_nothing(signed_in: Client, fields: dict[str, str]) -> None:
    response = signed_in.post(IMPORTS, form_data(**fields))
    assert response.status_code == 422
    assert "Nothing was started" in text_of(response)
    assert not Job.objects.exists()


def test_a_form_without_the_csrf_token_is_refused(owner: User) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(owner)
    assert strict.post(IMPORTS, form_data()).status_code == 403
    assert not Job.objects.exists()


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_the_imports_page_allows_no_other_methods(signed_in: Client, method: str) -> None:
    assert getattr(signed_in, method)(IMPORTS).status_code == 405


def test_reading_the_page_starts_nothing(signed_in: Client) -> None:
    assert signed_in.get(IMPORTS, form_data()).status_code == 200
    assert not Job.objects.exists()


def test_only_own_and_public_imports_are_listed(signed_in: Client, owner: User) -> None:
    create_job(owner=owner, title="Mine, running", state=JobState.RUNNING)
    create_job(owner=owner, title="Mine, done", state=JobState.SUCCEEDED, counts={"new": 60})
    create_public_job(title="The site's", state=JobState.FAILED)
    create_job(owner=create_user("eve"), title="Of Eve", state=JobState.RUNNING)
    text = text_of(signed_in.get(IMPORTS))
    assert "Mine, running" in text
    assert "Mine, done" in text
    assert "60 new" in text
    assert "The site&#x27;s" in text
    assert "Of Eve" not in text


def test_an_operator_sees_no_imports_of_other_users(client: Client) -> None:
    operator = create_user("op", "view_job", is_staff=True)
    create_job(owner=create_user("eve"), title="Of Eve")
    client.force_login(operator)
    assert "Of Eve" not in text_of(client.get(IMPORTS))


@pytest.mark.parametrize("number", [1, 9])
def test_the_imports_take_four_queries(
    signed_in: Client, owner: User, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for _ in range(number):
        create_job(owner=owner, state=JobState.RUNNING)
        create_public_job(state=JobState.SUCCEEDED)
    # The session, the user, their imports, the public ones.
    with django_assert_num_queries(4):
        signed_in.get(IMPORTS)


def test_a_hostile_tag_is_escaped(signed_in: Client) -> None:
    signed_in.post(IMPORTS, form_data(tags="<script>alert(1)</script>"))
    assert "<script>alert" not in text_of(signed_in.get(IMPORTS))

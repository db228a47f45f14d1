import re
from collections.abc import Callable
from uuid import uuid4

import pytest
from django.http import HttpRequest
from django.test import AsyncClient, Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from realtime.access import job_url, watch_key
from realtime.models import Job
from realtime.snapshots import queue_speed
from realtime.states import EventKind, JobState, Visibility
from realtime.tests.support.people import operator, user

pytestmark = pytest.mark.django_db


@pytest.fixture
def job() -> Job:
    return Job.objects.create(
        task="secret.task",
        title="Import <b>photos</b>",
        owner=user("owner"),
        args=["secret"],
        traceback="secret",
    )


def log_in(client: Client, person: str) -> Client:
    if person == "owner":
        client.login(username="owner", password="a password")
    elif person == "other":
        client.force_login(user("other"))
    elif person == "clerk":
        client.force_login(user("clerk", is_staff=True))
    elif person == "operator":
        client.force_login(operator())
    elif person == "superuser":
        client.force_login(user("root", is_staff=True, is_superuser=True))
    return client


def without_tokens(page: bytes) -> bytes:
    """The page without the feedback form's tokens, which are new on every page."""
    return re.sub(rb'value="[^"]*"', b"", page)


@pytest.mark.parametrize(
    ("person", "status"),
    [("visitor", 404), ("owner", 200), ("other", 404), ("clerk", 404), ("operator", 200)],
)
def test_who_may_open_the_page(client: Client, job: Job, person: str, status: int) -> None:
    assert log_in(client, person).get(job_url(job.pk)).status_code == status


def test_the_watch_key_opens_the_page_for_a_visitor(client: Client, job: Job) -> None:
    assert client.get(job_url(job.pk, key=True)).status_code == 200


def test_anyone_may_open_the_page_of_a_public_job(client: Client, job: Job) -> None:
    Job.objects.update(visibility=Visibility.PUBLIC)
    assert client.get(job_url(job.pk)).status_code == 200


def test_unknown_forbidden_and_forged_get_the_same_response(client: Client, job: Job) -> None:
    unknown = client.get(job_url(uuid4()))
    forbidden = client.get(job_url(job.pk))
    forged = client.get(f"{job_url(job.pk)}?key={watch_key(uuid4())}")
    assert unknown.status_code == forbidden.status_code == forged.status_code == 404
    pages = {without_tokens(response.content) for response in (unknown, forbidden, forged)}
    assert len(pages) == 1


def test_the_page_has_nothing_that_only_operators_may_see(client: Client, job: Job) -> None:
    page = client.get(job_url(job.pk, key=True)).content.decode()
    assert "secret" not in page
    assert "Import &lt;b&gt;photos&lt;/b&gt;" in page


def test_a_page_with_a_watch_key_is_not_cached_indexed_or_sent_as_referrer(
    client: Client, job: Job
) -> None:
    response = client.get(job_url(job.pk, key=True))
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("state", list(JobState))
def test_without_javascript_only_an_unfinished_job_refreshes(
    client: Client, job: Job, state: JobState
) -> None:
    Job.objects.update(state=state)
    job.refresh_from_db()
    page = client.get(job_url(job.pk, key=True)).content.decode()
    assert ('http-equiv="refresh"' in page) is not job.is_finished


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_the_page_allows_only_reading(client: Client, job: Job, method: str) -> None:
    request: Callable[..., HttpRequest] = getattr(client, method)
    assert request(job_url(job.pk)).status_code == 405  # type: ignore[attr-defined]


@pytest.mark.parametrize(("state", "queries"), [(JobState.QUEUED, 2), (JobState.RUNNING, 1)])
def test_the_page_costs_few_queries_for_a_visitor(
    client: Client,
    job: Job,
    state: JobState,
    queries: int,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(queue_speed, "CACHE_SECONDS", 600)
    Job.objects.update(state=state)
    url = job_url(job.pk, key=True)
    client.get(url)  # measures the speed of the queue
    with django_assert_num_queries(queries):
        client.get(url)


@pytest.mark.django_db(transaction=True)
async def test_the_page_is_served_asynchronously(async_client: AsyncClient) -> None:
    job = await Job.objects.acreate(task="t", title="T", visibility=Visibility.PUBLIC)
    response = await async_client.get(reverse("realtime:job", args=[job.pk]))
    assert response.status_code == 200


ACTIONS = {"cancel": JobState.QUEUED, "retry": JobState.FAILED}
AFTER = {"cancel": JobState.CANCELLED, "retry": JobState.QUEUED}


@pytest.mark.parametrize("action", list(ACTIONS))
@pytest.mark.parametrize(
    ("person", "status"),
    [
        ("visitor", 404),
        ("owner", 303),
        ("other", 404),
        ("clerk", 404),
        ("operator", 403),
        ("superuser", 303),
    ],
)
def test_who_may_act_on_a_job(
    client: Client, job: Job, action: str, person: str, status: int
) -> None:
    Job.objects.update(state=ACTIONS[action])
    url = reverse(f"realtime:{action}", args=[job.pk])
    assert log_in(client, person).post(url, {"reason": "By mistake"}).status_code == status
    job.refresh_from_db()
    assert job.state == (AFTER if status == 303 else ACTIONS)[action]
    events = job.events.filter(kind=EventKind.ACTION, reason="By mistake")
    assert events.count() == (1 if status == 303 else 0)


@pytest.mark.parametrize(("length", "stored"), [(499, 499), (500, 500), (501, 500)])
def test_a_reason_is_cut(client: Client, job: Job, length: int, stored: int) -> None:
    url = reverse("realtime:cancel", args=[job.pk])
    log_in(client, "owner").post(url, {"reason": "x" * length})
    assert job.events.get(kind=EventKind.ACTION).reason == "x" * stored


@pytest.mark.parametrize("action", list(ACTIONS))
def test_a_reason_has_no_characters_that_the_database_refuses(
    client: Client, job: Job, action: str
) -> None:
    Job.objects.update(state=ACTIONS[action])
    url = reverse(f"realtime:{action}", args=[job.pk])
    assert log_in(client, "owner").post(url, {"reason": "a\0b"}).status_code == 303
    assert job.events.get(kind=EventKind.ACTION).reason == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize("action", list(ACTIONS))
def test_a_watch_key_is_for_watching_only(client: Client, job: Job, action: str) -> None:
    Job.objects.update(state=ACTIONS[action])
    key = watch_key(job.pk)
    url = reverse(f"realtime:{action}", args=[job.pk])
    assert client.post(f"{url}?key={key}").status_code == 403


@pytest.mark.parametrize("action", list(ACTIONS))
def test_an_action_is_not_allowed_with_get(client: Client, job: Job, action: str) -> None:
    url = reverse(f"realtime:{action}", args=[job.pk])
    assert log_in(client, "owner").get(url).status_code == 405


@pytest.mark.parametrize("action", list(ACTIONS))
def test_an_action_needs_the_csrf_token(job: Job, action: str) -> None:
    client = Client(enforce_csrf_checks=True)
    url = reverse(f"realtime:{action}", args=[job.pk])
    assert log_in(client, "owner").post(url).status_code == 403


@pytest.mark.parametrize("action", list(ACTIONS))
def test_an_action_that_comes_too_late_changes_nothing(
    client: Client, job: Job, action: str
) -> None:
    state = JobState.SUCCEEDED if action == "cancel" else JobState.RUNNING
    Job.objects.update(state=state)
    url = reverse(f"realtime:{action}", args=[job.pk])
    assert log_in(client, "owner").post(url).status_code == 303
    job.refresh_from_db()
    assert job.state == state


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize(
    ("next_url", "is_followed"),
    [
        ("/ops/jobs/?state=running", True),
        ("/fotos/gr%C3%B6%C3%9Fe/?tag=a%20b", True),
        ("", False),
        ("/ops/\r\nSet-Cookie: a=b", False),
        ("/ops/\x00", False),
        ("https://evil.example/", False),
        ("//evil.example/", False),
        ("javascript:alert(1)", False),
    ],
)
def test_an_action_redirects_to_the_page_of_this_site_that_has_its_form(
    client: Client, job: Job, action: str, next_url: str, is_followed: bool
) -> None:
    Job.objects.update(state=ACTIONS[action])
    url = reverse(f"realtime:{action}", args=[job.pk])
    response = log_in(client, "owner").post(url, {"next": next_url})
    assert response.status_code == 303
    assert response["Location"] == (next_url if is_followed else job_url(job.pk))


def test_an_action_redirects_to_a_url_in_any_script(client: Client, job: Job) -> None:
    url = reverse("realtime:cancel", args=[job.pk])
    response = log_in(client, "owner").post(url, {"next": "/größe/?tag=ä"})
    assert response["Location"] == "/gr%C3%B6%C3%9Fe/?tag=%C3%A4"

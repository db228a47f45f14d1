"""Who may download a job's file, and the headers of the response."""

import asyncio
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import AsyncClient, Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from realtime.access import watch_key
from realtime.files.download import Download, download
from realtime.files.storage import folder_of
from realtime.models import Job
from realtime.pages import views
from realtime.pages.tests.test_views import without_tokens
from realtime.states import FINISHED, JobState, Visibility
from realtime.tests.support.people import operator, user

pytestmark = pytest.mark.django_db

CONTENT = b"a,b\n1,2\n" * 10_000


def job_with_file(**fields: object) -> Job:
    file = {"name": "a.csv", "content_type": "text/csv", "size": len(CONTENT), "key": "1-a"}
    job = Job.objects.create(
        **{"task": "t", "title": "T", "state": JobState.SUCCEEDED, "file": file} | fields
    )
    folder_of(job.pk).mkdir(parents=True)
    (folder_of(job.pk) / "1-a").write_bytes(CONTENT)
    return job


def address(job_id: object, *, key: str = "") -> str:
    url = reverse("realtime:file", args=[job_id])
    return f"{url}?key={key}" if key else url


def person(name: str) -> User | None:
    if name == "clerk":
        return user("clerk", is_staff=True)
    if name == "operator":
        return operator()
    if name == "deactivated operator":
        return operator(is_active=False)
    return user("other") if name == "other" else None


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("visitor", 404),
        ("owner", 200),
        ("other", 404),
        ("clerk", 404),
        ("operator", 200),
        ("deactivated operator", 404),
    ],
)
def test_who_gets_the_file(client: Client, name: str, status: int) -> None:
    owner = user("owner")
    job = job_with_file(owner=owner)
    if visitor := owner if name == "owner" else person(name):
        client.force_login(visitor)
    response = client.get(address(job.pk))
    assert response.status_code == status
    if status == 200:
        assert response.getvalue() == CONTENT


def test_the_watch_key_opens_it_for_a_visitor(client: Client) -> None:
    job = job_with_file()
    assert client.get(address(job.pk, key=watch_key(job.pk))).getvalue() == CONTENT


def test_anyone_gets_the_file_of_a_public_job(client: Client) -> None:
    assert client.get(address(job_with_file(visibility=Visibility.PUBLIC).pk)).getvalue() == CONTENT


def test_unknown_forbidden_forged_and_missing_get_the_same_response(client: Client) -> None:
    job, none = job_with_file(), job_with_file(file=None)
    responses = [
        client.get(address(uuid4())),
        client.get(address(job.pk)),
        client.get(address(job.pk, key=watch_key(uuid4()))),
        client.get(address(none.pk, key=watch_key(none.pk))),
    ]
    assert {response.status_code for response in responses} == {404}
    assert len({without_tokens(response.content) for response in responses}) == 1


@pytest.mark.parametrize("state", sorted(set(JobState) - FINISHED))
def test_an_unfinished_job_has_no_download(client: Client, state: JobState) -> None:
    job = job_with_file(state=state)
    assert client.get(address(job.pk, key=watch_key(job.pk))).status_code == 404


def test_a_file_missing_on_disk_is_not_found(client: Client) -> None:
    job = job_with_file()
    (folder_of(job.pk) / "1-a").unlink()
    assert client.get(address(job.pk, key=watch_key(job.pk))).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_only_get_and_head_are_allowed(client: Client, method: str) -> None:
    job = job_with_file()
    assert getattr(client, method)(address(job.pk)).status_code == 405


def test_head_sends_the_size_and_no_content(client: Client) -> None:
    job = job_with_file()
    response = client.head(address(job.pk, key=watch_key(job.pk)))
    assert response["Content-Length"] == str(len(CONTENT))
    assert response.getvalue() == b""


def test_head_opens_no_stream() -> None:
    response = download(job_with_file(), is_head=True)
    assert response["Content-Length"] == str(len(CONTENT))
    assert response.file_to_stream is None
    assert response.getvalue() == b""


def test_a_browser_saves_the_file_and_neither_shows_nor_caches_it(client: Client) -> None:
    job = job_with_file()
    response = client.get(address(job.pk, key=watch_key(job.pk)))
    response.close()
    assert response["Content-Disposition"] == 'attachment; filename="a.csv"'
    assert response["Content-Type"] == "text/csv"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response["Cache-Control"] == "no-store"
    assert response["Referrer-Policy"] == "no-referrer"
    assert response["X-Robots-Tag"] == "noindex"


def test_a_name_in_any_script_is_sent(client: Client) -> None:
    file = {"name": "Übersicht.xlsx", "content_type": "text/csv", "size": 1, "key": "1-a"}
    job = job_with_file(file=file)
    response = client.get(address(job.pk, key=watch_key(job.pk)))
    response.close()
    expected = f"attachment; filename*=utf-8''{quote('Übersicht.xlsx')}"
    assert response["Content-Disposition"] == expected


def test_the_file_costs_one_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = job_with_file()
    url = address(job.pk, key=watch_key(job.pk))
    with django_assert_num_queries(1):
        client.get(url).close()


@pytest.mark.django_db(transaction=True)
async def test_it_is_sent_in_blocks_under_asgi() -> None:
    file = {"name": "a.csv", "content_type": "text/csv", "size": len(CONTENT), "key": "1-a"}
    job = await Job.objects.acreate(
        task="t", title="T", state=JobState.SUCCEEDED, file=file, visibility=Visibility.PUBLIC
    )
    await asyncio.to_thread(folder_of(job.pk).mkdir, parents=True)
    await asyncio.to_thread((folder_of(job.pk) / "1-a").write_bytes, CONTENT)
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    response = await views.file(request, job.pk)
    assert isinstance(response, Download)
    blocks = [block async for block in response]
    response.close()
    assert b"".join(blocks) == CONTENT
    assert len(blocks) == -(-len(CONTENT) // response.block_size)


@pytest.mark.django_db(transaction=True)
async def test_it_is_served_asynchronously(async_client: AsyncClient) -> None:
    file = {"name": "a.csv", "content_type": "text/csv", "size": 1, "key": "1-a"}
    job = await Job.objects.acreate(
        task="t", title="T", state=JobState.SUCCEEDED, file=file, visibility=Visibility.PUBLIC
    )
    await asyncio.to_thread(folder_of(job.pk).mkdir, parents=True)
    await asyncio.to_thread((folder_of(job.pk) / "1-a").write_bytes, b"x")
    response = await async_client.get(address(job.pk))
    assert response.status_code == 200
    await asyncio.to_thread(response.close)


def test_a_file_is_never_a_page(media: Path) -> None:
    file = {"name": "a.html", "content_type": "text/html", "size": 1, "key": "1-a"}
    response = download(job_with_file(file=file))
    response.close()
    assert response["Content-Disposition"].startswith("attachment")

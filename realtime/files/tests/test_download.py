"""Who gets a job's file, and how."""

import asyncio
from pathlib import Path
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.test import AsyncClient, Client, RequestFactory
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

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


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def made(**fields: object) -> Job:
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


def person(who: str) -> User | None:
    if who == "clerk":
        return user("clerk", is_staff=True)
    if who == "operator":
        return operator()
    if who == "deactivated operator":
        return operator(is_active=False)
    return user("other") if who == "other" else None


@pytest.mark.parametrize(
    ("who", "status"),
    [
        ("visitor", 404),
        ("owner", 200),
        ("other", 404),
        ("clerk", 404),
        ("operator", 200),
        ("deactivated operator", 404),
    ],
)
def test_who_gets_the_file(client: Client, who: str, status: int) -> None:
    owner = user("owner")
    job = made(owner=owner)
    if somebody := owner if who == "owner" else person(who):
        client.force_login(somebody)
    answer = client.get(address(job.pk))
    assert answer.status_code == status
    if status == 200:
        assert answer.getvalue() == CONTENT


def test_the_watch_key_opens_it_for_a_visitor(client: Client) -> None:
    job = made()
    assert client.get(address(job.pk, key=watch_key(job.pk))).getvalue() == CONTENT


def test_a_public_jobs_file_is_anyones(client: Client) -> None:
    assert client.get(address(made(visibility=Visibility.PUBLIC).pk)).getvalue() == CONTENT


def test_unknown_forbidden_forged_and_missing_are_answered_alike(client: Client) -> None:
    job, none = made(), made(file=None)
    answers = [
        client.get(address(uuid4())),
        client.get(address(job.pk)),
        client.get(address(job.pk, key=watch_key(uuid4()))),
        client.get(address(none.pk, key=watch_key(none.pk))),
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({without_tokens(answer.content) for answer in answers}) == 1


@pytest.mark.parametrize("state", sorted(set(JobState) - FINISHED))
def test_before_the_end_the_address_is_not_found(client: Client, state: JobState) -> None:
    job = made(state=state)
    assert client.get(address(job.pk, key=watch_key(job.pk))).status_code == 404


def test_a_file_that_is_gone_from_the_disk_is_not_found(client: Client) -> None:
    job = made()
    (folder_of(job.pk) / "1-a").unlink()
    assert client.get(address(job.pk, key=watch_key(job.pk))).status_code == 404


@pytest.mark.parametrize("method", ["post", "put", "delete", "patch"])
def test_it_is_only_read(client: Client, method: str) -> None:
    job = made()
    assert getattr(client, method)(address(job.pk)).status_code == 405


def test_a_head_tells_its_size_and_sends_nothing(client: Client) -> None:
    job = made()
    answer = client.head(address(job.pk, key=watch_key(job.pk)))
    assert answer["Content-Length"] == str(len(CONTENT))
    assert answer.getvalue() == b""


def test_a_browser_saves_it_and_neither_shows_nor_keeps_nor_tells_of_it(client: Client) -> None:
    job = made()
    answer = client.get(address(job.pk, key=watch_key(job.pk)))
    answer.close()
    assert answer["Content-Disposition"] == 'attachment; filename="a.csv"'
    assert answer["Content-Type"] == "text/csv"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer["Cache-Control"] == "no-store"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Robots-Tag"] == "noindex"


def test_a_name_in_any_script_arrives(client: Client) -> None:
    file = {"name": "Übersicht.xlsx", "content_type": "text/csv", "size": 1, "key": "1-a"}
    job = made(file=file)
    answer = client.get(address(job.pk, key=watch_key(job.pk)))
    answer.close()
    expected = f"attachment; filename*=utf-8''{quote('Übersicht.xlsx')}"
    assert answer["Content-Disposition"] == expected


def test_the_file_costs_one_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    job = made()
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
    answer = await views.file(request, job.pk)
    assert isinstance(answer, Download)
    blocks = [block async for block in answer]
    answer.close()
    assert b"".join(blocks) == CONTENT
    assert len(blocks) == -(-len(CONTENT) // answer.block_size)


@pytest.mark.django_db(transaction=True)
async def test_it_is_served_asynchronously(async_client: AsyncClient) -> None:
    file = {"name": "a.csv", "content_type": "text/csv", "size": 1, "key": "1-a"}
    job = await Job.objects.acreate(
        task="t", title="T", state=JobState.SUCCEEDED, file=file, visibility=Visibility.PUBLIC
    )
    await asyncio.to_thread(folder_of(job.pk).mkdir, parents=True)
    await asyncio.to_thread((folder_of(job.pk) / "1-a").write_bytes, b"x")
    answer = await async_client.get(address(job.pk))
    assert answer.status_code == 200
    await asyncio.to_thread(answer.close)


def test_a_file_is_never_a_page(media: Path) -> None:
    file = {"name": "a.html", "content_type": "text/html", "size": 1, "key": "1-a"}
    answer = download(made(file=file))
    answer.close()
    assert answer["Content-Disposition"].startswith("attachment")

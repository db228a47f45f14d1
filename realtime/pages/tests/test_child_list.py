"""The list of a batch's jobs on its page, for each who may see it."""

import re
from http import HTTPStatus
from typing import Final
from uuid import UUID, uuid4

import pytest
from celery import shared_task
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from realtime.access import job_url
from realtime.actions import cancel
from realtime.batches.batch import enqueue_batch
from realtime.batches.rollup import roll_up
from realtime.jobs.create import enqueue
from realtime.models import Job
from realtime.pages.child_list import PAGE_SIZE, ChildList
from realtime.states import Carrier, JobState, Visibility
from realtime.tasks import JobTask
from realtime.tests.support import people

pytestmark = pytest.mark.django_db

MANY: Final = 2 * PAGE_SIZE + 5


@shared_task(base=JobTask, name="test.list.part", title="Do a part")
def part(number: int = 0) -> int:
    return number


def batch_of(count: int, owner: User | None = None) -> Job:
    return enqueue_batch(part, [(n,) for n in range(count)], title="Many", owner=owner)


def ids_of(batch: Job) -> list[UUID]:
    return list(batch.children.order_by("pk").values_list("pk", flat=True))


def shown(client: Client, url: str) -> ChildList:
    found = client.get(url).context["parts"]
    assert isinstance(found, ChildList)
    return found


def rows(parts: ChildList) -> list[UUID]:
    return [row.snapshot.id for row in parts.rows]


def address(url: str, page: str) -> str:
    return url.partition("?")[0] + page.partition("#")[0]


@pytest.fixture
def owner() -> User:
    return people.user("owner")


@pytest.fixture
def client_of_owner(owner: User) -> Client:
    client = Client()
    client.force_login(owner)
    return client


@pytest.mark.parametrize("count", [0, 1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, MANY])
def test_every_job_is_on_one_page(client_of_owner: Client, owner: User, count: int) -> None:
    batch = batch_of(count, owner)
    url, seen = job_url(batch.pk), []
    parts = shown(client_of_owner, url)
    assert parts.earlier == ""
    seen += rows(parts)
    while parts.later:
        parts = shown(client_of_owner, address(url, parts.later))
        seen += rows(parts)
    assert seen == ids_of(batch)
    back = rows(parts)
    while parts.earlier:
        parts = shown(client_of_owner, address(url, parts.earlier))
        back = rows(parts) + back
    assert back == ids_of(batch)


def test_they_can_be_listed_by_state(client_of_owner: Client, owner: User) -> None:
    batch = batch_of(PAGE_SIZE + 2, owner)
    ids = ids_of(batch)
    failed = ids[1 : PAGE_SIZE + 2]
    Job.objects.filter(pk__in=failed).update(state=JobState.FAILED, error="It broke.")
    parts = shown(client_of_owner, job_url(batch.pk))
    assert [(tab.label, tab.number, tab.is_here) for tab in parts.tabs] == [
        ("All", PAGE_SIZE + 2, True),
        ("Waiting", 1, False),
        ("Failed", PAGE_SIZE + 1, False),
    ]
    url = address(job_url(batch.pk), parts.tabs[2].address)
    parts = shown(client_of_owner, url)
    assert rows(parts) == failed[:PAGE_SIZE]
    assert "It broke." in client_of_owner.get(url).content.decode()
    assert rows(shown(client_of_owner, address(url, parts.later))) == failed[PAGE_SIZE:]
    assert [tab.is_here for tab in parts.tabs] == [False, False, True]


def test_a_row_says_how_far_its_job_is(client_of_owner: Client, owner: User) -> None:
    batch = batch_of(2, owner)
    running, waiting = batch.children.order_by("pk")
    moving = {"state": JobState.RUNNING, "done": 31, "total": 60, "unit": "photo", "eta": 4.0}
    Job.objects.filter(pk=running.pk).update(**moving)
    text = client_of_owner.get(job_url(batch.pk)).content.decode()
    assert ">31 of 60 photos · about 4 s left</span>" in text
    assert ">Next in line</span>" in text
    assert str(waiting.pk) in text


def test_a_state_that_none_is_in_any_more_is_an_empty_list(
    client_of_owner: Client, owner: User
) -> None:
    batch = batch_of(1, owner)
    url = f"{job_url(batch.pk)}?parts=running"
    assert shown(client_of_owner, url).rows == []
    assert "None at the moment." in client_of_owner.get(url).content.decode()


@pytest.mark.parametrize("query", ["parts=asleep", "parts_after=1", "parts_before=x"])
def test_what_there_cannot_be_is_not_found(
    client_of_owner: Client, owner: User, query: str
) -> None:
    answer = client_of_owner.get(f"{job_url(batch_of(1, owner).pk)}?{query}")
    assert answer.status_code == HTTPStatus.NOT_FOUND


def test_a_page_after_a_job_of_another_batch_shows_only_this_ones(
    client_of_owner: Client, owner: User
) -> None:
    batch, other = batch_of(2, owner), batch_of(2)
    for place in (*ids_of(other), uuid4()):
        parts = shown(client_of_owner, f"{job_url(batch.pk)}?parts_before={place}")
        assert set(rows(parts)) <= set(ids_of(batch))


def test_a_job_without_jobs_has_no_list(client_of_owner: Client, owner: User) -> None:
    answer = client_of_owner.get(job_url(enqueue(part, owner=owner).pk))
    assert answer.context["parts"] is None
    assert "Its jobs" not in answer.content.decode()


def test_a_task_that_has_fanned_out_has_one(client_of_owner: Client, owner: User) -> None:
    job = enqueue(part, owner=owner)
    made = enqueue(part, parent=job)
    assert rows(shown(client_of_owner, job_url(job.pk))) == [made.pk]


def test_a_part_has_its_parents_owner_and_watchers(owner: User) -> None:
    job = enqueue(part, owner=owner, visibility=Visibility.PUBLIC)
    made = enqueue(part, parent=job)
    assert (made.owner, made.visibility) == (owner, Visibility.PUBLIC)
    other = people.user("other")
    told = enqueue(part, parent=job, owner=other, visibility=Visibility.PRIVATE)
    assert (told.owner, told.visibility) == (other, Visibility.PRIVATE)


def test_who_has_the_batchs_key_may_watch_its_jobs_and_no_others() -> None:
    batch, other = batch_of(1), batch_of(1)
    (part_id,) = ids_of(batch)
    url = job_url(batch.pk, key=True)
    client = Client()
    (row,) = shown(client, url).rows
    assert row.url.startswith(reverse("realtime:job", args=[part_id]))
    answer = client.get(row.url)
    assert answer.status_code == HTTPStatus.OK
    assert answer.context["parent"] == batch
    assert "Part of" in answer.content.decode()
    key = url.partition("?")[2]
    for stranger in (other.pk, *ids_of(other)):
        assert client.get(f"{job_url(stranger)}?{key}").status_code == HTTPStatus.NOT_FOUND
    assert client.get(job_url(part_id)).status_code == HTTPStatus.NOT_FOUND


def test_a_jobs_own_key_opens_not_its_batch() -> None:
    batch = batch_of(1)
    (part_id,) = ids_of(batch)
    answer = Client().get(job_url(part_id, key=True))
    assert answer.status_code == HTTPStatus.OK
    assert answer.context["parent"] is None
    key = job_url(part_id, key=True).partition("?")[2]
    assert Client().get(f"{job_url(batch.pk)}?{key}").status_code == HTTPStatus.NOT_FOUND


def test_of_a_job_that_the_viewer_may_not_watch_only_the_state_is_told(
    client_of_owner: Client, owner: User
) -> None:
    batch = batch_of(1, owner)
    secret = {"title": "Secret title", "error": "Secret error.", "unit": "secret", "done": 7}
    batch.children.update(owner=people.user("other"), state=JobState.FAILED, **secret)
    (row,) = shown(client_of_owner, job_url(batch.pk)).rows
    assert row.url == ""
    text = client_of_owner.get(job_url(batch.pk)).content.decode()
    assert "secret" not in text.lower()
    assert 'class="state" data-state="failed"' in text


def test_operators_are_led_to_their_own_pages() -> None:
    batch = batch_of(PAGE_SIZE + 1)
    client = Client()
    client.force_login(people.operator())
    url = reverse("dashboard:job", args=[batch.pk])
    parts = shown(client, url)
    assert parts.rows[0].url == reverse("dashboard:job", args=[ids_of(batch)[0]])
    assert rows(shown(client, address(url, parts.later))) == ids_of(batch)[PAGE_SIZE:]


def test_titles_stay_text(client_of_owner: Client, owner: User) -> None:
    batch = batch_of(1, owner)
    batch.children.update(title="<script>alert(1)</script>", error="<b>")
    text = client_of_owner.get(job_url(batch.pk)).content.decode()
    assert "<script>alert" not in text
    assert "<b>" not in re.sub(r"<b>[\d,]+</b>", "", text)


def test_the_list_costs_as_many_queries_for_one_as_for_a_page(
    client_of_owner: Client, owner: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for count in (1, MANY):
        batch = batch_of(count, owner)
        batch.children.update(state=JobState.RUNNING)
        # The user (2), the job, the page of children, the tabs.
        with django_assert_num_queries(5):
            client_of_owner.get(job_url(batch.pk))


def test_an_ended_batch_still_lists_its_jobs(client_of_owner: Client, owner: User) -> None:
    batch = batch_of(2, owner)
    cancel(batch)
    roll_up(batch.pk)
    parts = shown(client_of_owner, job_url(batch.pk))
    assert [row.snapshot.state for row in parts.rows] == [JobState.CANCELLED] * 2
    assert Job.objects.get(pk=batch.pk).carrier == Carrier.CHILDREN

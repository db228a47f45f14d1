"""The list of child jobs on the page of their parent."""

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
from realtime.states import JobState, RunBy, Visibility
from realtime.tasks import JobTask
from realtime.tests.support import people

pytestmark = pytest.mark.django_db

MANY: Final = 2 * PAGE_SIZE + 5


@shared_task(base=JobTask, name="test.list.child", title="A child job")
def child_task(number: int = 0) -> int:
    return number


def batch_of(count: int, owner: User | None = None) -> Job:
    return enqueue_batch(child_task, [(n,) for n in range(count)], title="Many", owner=owner)


def ids_of(batch: Job) -> list[UUID]:
    return list(batch.children.order_by("pk").values_list("pk", flat=True))


def get_child_list(client: Client, url: str) -> ChildList:
    child_list = client.get(url).context["children"]
    assert isinstance(child_list, ChildList)
    return child_list


def row_ids(children: ChildList) -> list[UUID]:
    return [row.snapshot.id for row in children.rows]


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
def test_every_child_is_on_exactly_one_page(
    client_of_owner: Client, owner: User, count: int
) -> None:
    batch = batch_of(count, owner)
    url, seen = job_url(batch.pk), []
    children = get_child_list(client_of_owner, url)
    assert children.earlier == ""
    seen += row_ids(children)
    while children.later:
        children = get_child_list(client_of_owner, address(url, children.later))
        seen += row_ids(children)
    assert seen == ids_of(batch)
    back = row_ids(children)
    while children.earlier:
        children = get_child_list(client_of_owner, address(url, children.earlier))
        back = row_ids(children) + back
    assert back == ids_of(batch)


def test_children_can_be_listed_by_state(client_of_owner: Client, owner: User) -> None:
    batch = batch_of(PAGE_SIZE + 2, owner)
    ids = ids_of(batch)
    failed = ids[1 : PAGE_SIZE + 2]
    Job.objects.filter(pk__in=failed).update(state=JobState.FAILED, error="It broke.")
    children = get_child_list(client_of_owner, job_url(batch.pk))
    assert [(tab.label, tab.number, tab.is_here) for tab in children.tabs] == [
        ("All", PAGE_SIZE + 2, True),
        ("Waiting", 1, False),
        ("Failed", PAGE_SIZE + 1, False),
    ]
    url = address(job_url(batch.pk), children.tabs[2].address)
    children = get_child_list(client_of_owner, url)
    assert row_ids(children) == failed[:PAGE_SIZE]
    assert "It broke." in client_of_owner.get(url).content.decode()
    assert (
        row_ids(get_child_list(client_of_owner, address(url, children.later))) == failed[PAGE_SIZE:]
    )
    assert [tab.is_here for tab in children.tabs] == [False, False, True]


def test_a_row_shows_the_progress_of_its_job(client_of_owner: Client, owner: User) -> None:
    batch = batch_of(2, owner)
    running, waiting = batch.children.order_by("pk")
    moving = {"state": JobState.RUNNING, "done": 31, "total": 60, "unit": "photo", "eta": 4.0}
    Job.objects.filter(pk=running.pk).update(**moving)
    text = client_of_owner.get(job_url(batch.pk)).content.decode()
    assert ">31 of 60 photos · about 4 s left</span>" in text
    assert ">Next in line</span>" in text
    assert str(waiting.pk) in text


def test_a_state_without_children_is_an_empty_list(client_of_owner: Client, owner: User) -> None:
    batch = batch_of(1, owner)
    url = f"{job_url(batch.pk)}?parts=running"
    assert get_child_list(client_of_owner, url).rows == []
    assert "There are no jobs in this state." in client_of_owner.get(url).content.decode()


@pytest.mark.parametrize(
    "query", ["parts=asleep", "parts_after=1", "parts_before=x", "parts_after=nth-0"]
)
def test_an_invalid_state_or_page_is_not_found(
    client_of_owner: Client, owner: User, query: str
) -> None:
    answer = client_of_owner.get(f"{job_url(batch_of(1, owner).pk)}?{query}")
    assert answer.status_code == HTTPStatus.NOT_FOUND


def test_a_page_named_by_a_job_of_another_batch_lists_only_children_of_this_one(
    client_of_owner: Client, owner: User
) -> None:
    batch, other = batch_of(2, owner), batch_of(2)
    for place in (*ids_of(other), uuid4()):
        children = get_child_list(client_of_owner, f"{job_url(batch.pk)}?parts_before={place}")
        assert set(row_ids(children)) <= set(ids_of(batch))


def test_a_job_without_children_has_no_list(client_of_owner: Client, owner: User) -> None:
    answer = client_of_owner.get(job_url(enqueue(child_task, owner=owner).pk))
    assert answer.context["children"] is None
    assert "Child jobs" not in answer.content.decode()


def test_a_task_that_has_enqueued_children_has_a_list(client_of_owner: Client, owner: User) -> None:
    job = enqueue(child_task, owner=owner)
    child = enqueue(child_task, parent=job)
    assert row_ids(get_child_list(client_of_owner, job_url(job.pk))) == [child.pk]


def test_a_child_has_the_owner_and_visibility_of_its_parent(owner: User) -> None:
    job = enqueue(child_task, owner=owner, visibility=Visibility.PUBLIC)
    child = enqueue(child_task, parent=job)
    assert (child.owner, child.visibility) == (owner, Visibility.PUBLIC)
    other = people.user("other")
    other_child = enqueue(child_task, parent=job, owner=other, visibility=Visibility.PRIVATE)
    assert (other_child.owner, other_child.visibility) == (other, Visibility.PRIVATE)


def test_the_watch_key_of_a_batch_is_valid_for_its_children_and_no_other_job() -> None:
    batch, other = batch_of(1), batch_of(1)
    (child_id,) = ids_of(batch)
    url = job_url(batch.pk, key=True)
    client = Client()
    (row,) = get_child_list(client, url).rows
    assert row.url.startswith(reverse("realtime:job", args=[child_id]))
    answer = client.get(row.url)
    assert answer.status_code == HTTPStatus.OK
    assert answer.context["parent"] == batch
    assert "This job is part of" in answer.content.decode()
    key = url.partition("?")[2]
    for stranger in (other.pk, *ids_of(other)):
        assert client.get(f"{job_url(stranger)}?{key}").status_code == HTTPStatus.NOT_FOUND
    assert client.get(job_url(child_id)).status_code == HTTPStatus.NOT_FOUND


def test_the_watch_key_of_a_child_is_not_valid_for_its_batch() -> None:
    batch = batch_of(1)
    (child_id,) = ids_of(batch)
    answer = Client().get(job_url(child_id, key=True))
    assert answer.status_code == HTTPStatus.OK
    assert answer.context["parent"] is None
    key = job_url(child_id, key=True).partition("?")[2]
    assert Client().get(f"{job_url(batch.pk)}?{key}").status_code == HTTPStatus.NOT_FOUND


def test_only_the_state_is_shown_of_a_job_that_the_viewer_may_not_watch(
    client_of_owner: Client, owner: User
) -> None:
    batch = batch_of(1, owner)
    secret = {"title": "Secret title", "error": "Secret error.", "unit": "secret", "done": 7}
    batch.children.update(owner=people.user("other"), state=JobState.FAILED, **secret)
    (row,) = get_child_list(client_of_owner, job_url(batch.pk)).rows
    assert row.url == ""
    text = client_of_owner.get(job_url(batch.pk)).content.decode()
    assert "secret" not in text.lower()
    assert 'class="state" data-state="failed"' in text


@pytest.mark.parametrize("state", ["", "queued"])
def test_the_page_has_no_id_of_a_job_that_the_viewer_may_not_watch(owner: User, state: str) -> None:
    batch = batch_of(MANY, owner)
    Job.objects.filter(pk=batch.pk).update(visibility=Visibility.PUBLIC)
    url, seen = f"{job_url(batch.pk)}?parts={state}", 0
    while url:
        answer = Client().get(url)
        children = answer.context["children"]
        seen += len(children.rows)
        assert not any(str(child_id) in answer.content.decode() for child_id in ids_of(batch))
        url = children.later and address(url, children.later)
    assert seen == MANY
    url = address(job_url(batch.pk), children.earlier)
    assert row_ids(get_child_list(Client(), url)) == ids_of(batch)[PAGE_SIZE : 2 * PAGE_SIZE]


@pytest.mark.parametrize(("number", "status"), [(1, 200), (3, 200), (4, 404), (10**8, 404)])
def test_a_page_is_named_by_the_number_of_a_child(owner: User, number: int, status: int) -> None:
    batch = batch_of(3, owner)
    Job.objects.filter(pk=batch.pk).update(visibility=Visibility.PUBLIC)
    assert Client().get(f"{job_url(batch.pk)}?parts_after=nth-{number}").status_code == status


def test_the_dashboard_links_to_its_own_pages() -> None:
    batch = batch_of(PAGE_SIZE + 1)
    client = Client()
    client.force_login(people.operator())
    url = reverse("dashboard:job", args=[batch.pk])
    children = get_child_list(client, url)
    assert children.rows[0].url == reverse("dashboard:job", args=[ids_of(batch)[0]])
    assert (
        row_ids(get_child_list(client, address(url, children.later))) == ids_of(batch)[PAGE_SIZE:]
    )


def test_titles_are_escaped(client_of_owner: Client, owner: User) -> None:
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


def test_a_finished_batch_still_lists_its_children(client_of_owner: Client, owner: User) -> None:
    batch = batch_of(2, owner)
    cancel(batch)
    roll_up(batch.pk)
    children = get_child_list(client_of_owner, job_url(batch.pk))
    assert [row.snapshot.state for row in children.rows] == [JobState.CANCELLED] * 2
    assert Job.objects.get(pk=batch.pk).carrier == RunBy.CHILDREN

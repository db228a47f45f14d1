from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from django.http import QueryDict
from pytest_django import DjangoAssertNumQueries

from realtime.dashboard.listing import PAGE_SIZE, BadQuery, Page, Query, find, parse
from realtime.models import Job
from realtime.snapshots.overview import overview_numbers
from realtime.states import WAITING, JobState

pytestmark = pytest.mark.django_db

JOB = "0193f0a0-0000-7000-8000-000000000001"


def make(number: int, *, task: str = "t", state: JobState = JobState.SUCCEEDED) -> None:
    """`number` jobs, some queued at the same moment, with ids that say nothing of the time."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    Job.objects.bulk_create(
        Job(
            id=uuid4(),
            task=task,
            title=task,
            state=state,
            queued_at=start + timedelta(milliseconds=index // 3),
        )
        for index in range(number)
    )


def walk(page: Page, direction: str) -> list[UUID]:
    ids = [job.pk for job in page.jobs]
    while query := getattr(page, direction):
        page = find(query)
        ids += [job.pk for job in page.jobs]
    return ids


def newest_first() -> list[UUID]:
    return list(Job.objects.order_by("-queued_at", "-pk").values_list("pk", flat=True))


def test_the_pages_have_every_job_once_newest_first() -> None:
    make(3 * PAGE_SIZE + 7)
    assert walk(find(Query()), "older") == newest_first()


def test_jobs_whose_times_the_database_wrote_are_found_too() -> None:
    for _ in range(PAGE_SIZE + 3):
        Job.objects.create(task="t", title="T")
    assert walk(find(Query()), "older") == newest_first()


def test_newer_pages_are_full_back_to_the_newest() -> None:
    make(3 * PAGE_SIZE)
    oldest = find(Query(before=newest_first()[2 * PAGE_SIZE - 1]))
    assert [job.pk for job in oldest.jobs] == newest_first()[2 * PAGE_SIZE :]
    assert oldest.newer
    middle = find(oldest.newer)
    assert [job.pk for job in middle.jobs] == newest_first()[PAGE_SIZE : 2 * PAGE_SIZE]
    assert middle.newer
    newest = find(middle.newer)
    assert [job.pk for job in newest.jobs] == newest_first()[:PAGE_SIZE]
    assert newest.newer is None


def test_new_jobs_do_not_move_the_older_pages() -> None:
    make(PAGE_SIZE + 5)
    expected, first = newest_first(), find(Query())
    Job.objects.create(task="t", title="T")
    assert first.older
    assert [job.pk for job in find(first.older).jobs] == expected[PAGE_SIZE:]


def test_the_newest_page_is_always_full() -> None:
    make(PAGE_SIZE + 5)
    page = find(Query(after=newest_first()[3]))
    assert [job.pk for job in page.jobs] == newest_first()[:PAGE_SIZE]
    assert page.newer is None


def test_one_page_has_no_neighbours() -> None:
    make(PAGE_SIZE)
    page = find(Query())
    assert (len(page.jobs), page.newer, page.older) == (PAGE_SIZE, None, None)


def test_the_filter_holds_on_every_page() -> None:
    make(PAGE_SIZE + 1, task="a task", state=JobState.FAILED)
    make(PAGE_SIZE + 1, task="other", state=JobState.FAILED)
    make(PAGE_SIZE + 1, task="a task", state=JobState.SUCCEEDED)
    ids = walk(find(Query(task="a task", state=JobState.FAILED)), "older")
    assert len(ids) == PAGE_SIZE + 1
    found = Job.objects.filter(pk__in=ids)
    assert {(job.task, job.state) for job in found} == {("a task", JobState.FAILED)}


def test_the_filter_waiting_lists_the_jobs_that_the_numbers_count() -> None:
    for state in JobState:
        make(1, state=state)
    found = find(parse(QueryDict("state=waiting"))).jobs
    assert {job.state for job in found} == WAITING
    assert len(found) == overview_numbers().waiting


def test_a_page_named_by_a_deleted_job_links_to_the_start() -> None:
    make(3)
    assert find(Query(before=uuid4())) == Page(jobs=[], newer=Query())
    assert len(find(Query(after=uuid4())).jobs) == 3


def test_a_page_is_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make(3 * PAGE_SIZE)
    start = find(Query()).older
    assert start
    with django_assert_num_queries(1):
        assert [job.owner for job in find(start).jobs] == [None] * PAGE_SIZE


@pytest.mark.parametrize(
    "query",
    [
        Query(),
        Query(state="failed", task="a&b=c"),
        Query(state="running", before=UUID(JOB)),
        Query(state="waiting"),
        Query(after=UUID(JOB)),
    ],
)
def test_parsing_the_address_of_a_query_returns_the_query(query: Query) -> None:
    assert parse(QueryDict(query.address.removeprefix("?"))) == query


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ("state=bogus", "no state “bogus”"),
        ("state=FAILED", "no state"),
        ("task=a%00b", "no task with"),
        (f"task={'x' * 256}", "no task with"),
        ("before=1", "“before” in the address"),
        ("after=nonsense", "“after” in the address"),
        (f"before={JOB}&after={JOB}", "Remove one"),
    ],
)
def test_invalid_values_are_refused(address: str, sentence: str) -> None:
    with pytest.raises(BadQuery, match=sentence):
        parse(QueryDict(address))


@pytest.mark.parametrize("length", [254, 255])
def test_a_task_may_have_a_long_name(length: int) -> None:
    assert parse(QueryDict(f"task={'x' * length}")).task == "x" * length


def test_no_task_has_a_longer_name() -> None:
    with pytest.raises(BadQuery, match="no task with that name"):
        parse(QueryDict(f"task={'x' * 256}"))


def test_the_error_does_not_repeat_a_long_value() -> None:
    with pytest.raises(BadQuery) as error:
        parse(QueryDict(f"state={'x' * 5000}"))
    assert len(str(error.value)) < 300


def test_the_script_keeps_as_many_rows_as_a_page_has() -> None:
    script = Path(__file__).parents[2] / "static/realtime/ops/ops-rows.js"
    assert f"MAX_ROWS = {PAGE_SIZE};" in script.read_text()

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from pytest_django import DjangoAssertNumQueries

from realtime.models import Job
from realtime.pages.keyset import BY_ID, NEWEST_FIRST, KeysetOrder, keyset_page, parse_job_id

pytestmark = pytest.mark.django_db

SIZE = 3


def make_jobs(number: int) -> None:
    """Jobs with random ids, of which every two were queued at the same time."""
    start = datetime(2026, 1, 1, tzinfo=UTC)
    Job.objects.bulk_create(
        Job(id=uuid4(), task="t", title="T", queued_at=start + timedelta(seconds=index // 2))
        for index in range(number)
    )


def ids(order: KeysetOrder) -> list[UUID]:
    return list(Job.objects.order_by(*order.fields).values_list("pk", flat=True))


@pytest.mark.parametrize("order", [BY_ID, NEWEST_FIRST])
@pytest.mark.parametrize("number", [0, 1, SIZE, SIZE + 1, 3 * SIZE + 1])
def test_the_pages_have_every_job_once_forwards_and_backwards(
    order: KeysetOrder, number: int
) -> None:
    make_jobs(number)
    page = keyset_page(Job.objects.all(), order, size=SIZE)
    seen = [job.pk for job in page.jobs]
    assert not page.has_previous
    while page.has_next:
        page = keyset_page(Job.objects.all(), order, size=SIZE, after=seen[-1])
        seen += [job.pk for job in page.jobs]
    assert seen == ids(order)
    seen = [job.pk for job in page.jobs]
    while page.has_previous:
        page = keyset_page(Job.objects.all(), order, size=SIZE, before=seen[0])
        seen = [job.pk for job in page.jobs] + seen
    assert seen == ids(order)


def test_a_page_is_one_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_jobs(SIZE + 1)
    with django_assert_num_queries(1):
        page = keyset_page(Job.objects.all(), NEWEST_FIRST, size=SIZE)
        assert [job.owner for job in page.jobs] == [None] * SIZE


def test_a_page_is_named_by_the_id_of_a_job_or_by_nothing() -> None:
    job_id = uuid4()
    assert parse_job_id(str(job_id)) == job_id
    assert parse_job_id("") is None
    with pytest.raises(ValueError, match="badly formed"):
        parse_job_id("1")

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from photos.flickr.photo import DateTaken, FlickrPhoto
from photos.models import Photo
from photos.saving import add_licences, save_page
from realtime.tests.polling import until

pytestmark = pytest.mark.django_db


def told(number: int, **fields: Any) -> FlickrPhoto:
    usual: dict[str, Any] = {
        "id": str(1000 + number),
        "title": f"Photo {number}",
        "description": "",
        "owner_nsid": "44080248@N03",
        "owner_name": "Marta",
        "licence": None,
        "taken": DateTaken(local=""),
        "uploaded_at": datetime(2026, 5, 1, 12, number, tzinfo=UTC),
        "tags": (),
        "page_url": f"https://www.flickr.com/photos/marta/{1000 + number}/",
        "image_urls": (f"https://live.staticflickr.com/1/{1000 + number}_0123456789_z.jpg",),
    }
    return FlickrPhoto(**usual | fields)


def page(**fields: Any) -> list[FlickrPhoto]:
    """The newest first, as Flickr has them."""
    return [told(number, **fields) for number in (3, 2, 1)]


@pytest.mark.parametrize("given", [page(), page()[::-1]])
def test_photos_are_written_in_the_order_of_their_ids(given: list[FlickrPhoto]) -> None:
    saved = save_page(given)
    assert [one.flickr_id for one in saved] == [one.id for one in given]
    written = Photo.objects.order_by("pk").values_list("flickr_id", flat=True)
    assert list(written) == ["1001", "1002", "1003"]


@pytest.mark.parametrize("given", [[98, 90, 99], [99, 98, 90]])
def test_licences_are_written_in_the_order_of_their_numbers(given: list[int]) -> None:
    with CaptureQueriesContext(connection) as queries:
        add_licences(given, ())
    (insert,) = [one["sql"] for one in queries.captured_queries if "INSERT" in one["sql"]]
    assert re.findall(r"Licence (\d+) of Flickr", insert) == ["90", "98", "99"]


def save_elsewhere(photos: list[FlickrPhoto]) -> int:
    """As another process does, with a connection of its own."""
    try:
        return len(save_page(photos))
    finally:
        connections.close_all()


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


if connection.vendor == "postgresql":  # on SQLite one transaction writes at a time

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("known", [False, True])
    def test_two_imports_of_the_same_photos_do_not_wait_for_each_other(known: bool) -> None:
        """One has the second, and takes the third while the other waits for the second."""
        if known:
            save_page(page())
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                save_page([told(2)])
                other = pool.submit(save_elsewhere, [told(3, title="Changed"), told(2), told(1)])
                until(somebody_waits, within=30, what="the other import waits")
                save_page([told(3)])
            assert other.result(30) == 3
        assert Photo.objects.count() == 3

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection, connections, transaction

from photos.flickr.photo import DateTaken, FlickrPhoto
from photos.models import Photo
from photos.saving import save_page
from realtime.tests.support.polling import until

pytestmark = pytest.mark.django_db


def flickr_photo(number: int, **fields: Any) -> FlickrPhoto:
    defaults: dict[str, Any] = {
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
    return FlickrPhoto(**defaults | fields)


def page(**fields: Any) -> list[FlickrPhoto]:
    """Three photos, the newest first, as Flickr sorts them."""
    return [flickr_photo(number, **fields) for number in (3, 2, 1)]


@pytest.mark.parametrize("photos", [page(), page()[::-1]])
def test_photos_are_written_in_the_order_of_their_ids(photos: list[FlickrPhoto]) -> None:
    saved = save_page(photos)
    assert [photo.flickr_id for photo in saved] == [photo.id for photo in photos]
    written = Photo.objects.order_by("pk").values_list("flickr_id", flat=True)
    assert list(written) == ["1001", "1002", "1003"]


def save_elsewhere(photos: list[FlickrPhoto]) -> int:
    """Save photos with another connection, like another process."""
    try:
        return len(save_page(photos))
    finally:
        connections.close_all()


def is_a_lock_awaited() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
        return bool(cursor.fetchone()[0])


if connection.vendor == "postgresql":  # on SQLite one transaction writes at a time

    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("exist", [False, True])
    def test_two_imports_of_the_same_photos_do_not_deadlock(exist: bool) -> None:
        """One import locks photo 2, the other waits for it, then the first locks photo 3."""
        if exist:
            save_page(page())
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                save_page([flickr_photo(2)])
                other = pool.submit(
                    save_elsewhere,
                    [flickr_photo(3, title="Changed"), flickr_photo(2), flickr_photo(1)],
                )
                until(is_a_lock_awaited, within=30, what="the other import waits")
                save_page([flickr_photo(3)])
            assert other.result(30) == 3
        assert Photo.objects.count() == 3

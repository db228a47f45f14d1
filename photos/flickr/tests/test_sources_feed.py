from typing import Any

import pytest

from photos.flickr.photo import PhotoQuery
from photos.flickr.tests.reading import ids_of, pages_of, photos_of
from photos.sandbox.replies import MAINTENANCE_PAGE, Reply
from photos.tests.in_memory_flickr import connect_to, new_sandbox


@pytest.mark.parametrize(("limit", "count"), [(1, 1), (20, 20), (21, 20), (60, 20)])
async def test_the_feed_has_at_most_20_photos(limit: int, count: int) -> None:
    feed = connect_to(new_sandbox(), api_key="").feed
    assert len(await ids_of(feed, PhotoQuery(limit=limit))) == count
    assert feed.max_photos == 20


@pytest.mark.parametrize("options", [{}, {"broken_escapes": True}])
async def test_the_feed_and_the_api_give_the_same_photos(options: dict[str, Any]) -> None:
    flickr = connect_to(new_sandbox(hostile_rate=0.5, **options))
    query = PhotoQuery(limit=20)
    api_photos = {photo.id: photo for photo in await photos_of(flickr.source, query)}
    feed_photos = {photo.id: photo for photo in await photos_of(flickr.feed, query)}
    assert feed_photos.keys() == api_photos.keys()
    for name, expected in api_photos.items():
        photo = feed_photos[name]
        assert (photo.title, photo.owner_name) == (expected.title, expected.owner_name)
        assert (photo.page_url, photo.tags) == (expected.page_url, expected.tags)
        assert photo.uploaded_at == expected.uploaded_at
        if photo.taken.local and expected.taken.local:  # the API may not know the date
            assert photo.taken.local == expected.taken.local


@pytest.mark.parametrize("limit", [1, 19, 20, 21, 400])
async def test_entries_of_the_feed_that_cannot_be_read_count_for_the_limit(limit: int) -> None:
    items = ",".join(f'{{"id":"{n}"}}' for n in range(5_000))
    flickr = connect_to(new_sandbox(first_replies=(Reply(body=f'{{"items":[{items}]}}'.encode()),)))
    pages = await pages_of(flickr.feed, PhotoQuery(limit=limit))
    assert [len(page.rejected) for page in pages] == [min(limit, 20)]


async def test_an_empty_feed_gives_no_page() -> None:
    assert await pages_of(connect_to(new_sandbox(photos=0)).feed, PhotoQuery(limit=20)) == []


async def test_an_html_response_instead_of_the_feed_is_retried() -> None:
    flickr = connect_to(new_sandbox(first_replies=(MAINTENANCE_PAGE,)))
    assert len(await ids_of(flickr.feed, PhotoQuery(limit=20))) == 20

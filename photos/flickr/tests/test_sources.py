from dataclasses import replace
from typing import Any

import pytest

from photos.flickr.api import Api
from photos.flickr.photo import Page, PhotoQuery, RejectedEntry
from photos.flickr.sources import EMPTY_PAGE, EMPTY_PAGES_MAX, ApiSource
from photos.flickr.tests.reading import ids_of, pages_of
from photos.sandbox.app import Sandbox
from photos.sandbox.catalogue import SandboxPhoto
from photos.sandbox.replies import Reply
from photos.sandbox.search import Library, Query
from photos.tests.in_memory_flickr import connect_to, new_sandbox

ALL_OLDEST_FIRST = PhotoQuery(limit=1000, since=1, oldest_first=True)
OLDEST_NUMBER = 10_000 - 299


def source_of(sandbox: Sandbox, *, api_class: type[Api] = Api) -> ApiSource:
    api = connect_to(sandbox).api
    return ApiSource(
        api_class(
            client=api.client,
            config=api.config,
            wait_for_turn=api.wait_for_turn,
            show_message=api.show_message,
        )
    )


def new_source(**options: Any) -> ApiSource:
    return source_of(new_sandbox(**options))


@pytest.mark.parametrize("limit", [1, 99, 100, 101, 300, 301])
async def test_the_limit_is_kept(limit: int) -> None:
    ids = await ids_of(new_source(), PhotoQuery(limit=limit))
    assert len(ids) == len(set(ids)) == min(limit, 300)


async def test_the_newest_photos_come_first() -> None:
    ids = await ids_of(new_source(), PhotoQuery(limit=150))
    assert ids == sorted(ids, reverse=True)


async def test_with_oldest_first_the_oldest_photos_come_first() -> None:
    ids = await ids_of(new_source(), ALL_OLDEST_FIRST)
    assert ids == sorted(ids)


async def test_photos_have_all_the_tags() -> None:
    pages = await pages_of(new_source(), PhotoQuery(tags=("sea", "dusk"), limit=50))
    photos = [photo for page in pages for photo in page.photos]
    assert photos
    assert all({"sea", "dusk"} <= set(photo.tags) for photo in photos)


async def test_pages_that_change_give_no_photo_twice() -> None:
    ids = await ids_of(new_source(new_photos_per_request=30), PhotoQuery(limit=250))
    assert len(ids) == len(set(ids)) > 200


async def test_no_photos_give_no_page() -> None:
    assert await pages_of(new_source(), PhotoQuery(tags=("nobody",), limit=9)) == []


async def test_a_query_is_read_up_to_4000_photos() -> None:
    sandbox = new_sandbox(photos=4300)
    ids = await ids_of(source_of(sandbox), PhotoQuery(limit=5000, since=1))
    assert len(ids) == 4000
    assert sandbox.paths.count("/services/rest/") == 40


async def test_with_oldest_first_an_import_reads_up_to_4000_photos() -> None:
    source = new_source(photos=4300)
    ids = await ids_of(source, replace(ALL_OLDEST_FIRST, limit=5000))
    assert len(ids) == source.max_photos == 4000


class LibraryWithADeletion(Library):
    """The oldest photo is deleted after the first search."""

    searches = 0

    def find(self, query: Query) -> list[SandboxPhoto]:
        self.searches += 1
        photos = Library.find(self, query)
        return [photo for photo in photos if self.searches == 1 or photo.number > OLDEST_NUMBER]


async def test_with_oldest_first_a_deleted_photo_hides_no_other() -> None:
    sandbox = new_sandbox()
    sandbox.library = LibraryWithADeletion(sandbox.config)
    assert len(await ids_of(source_of(sandbox), ALL_OLDEST_FIRST)) == 300


class LibraryOfOneSecond(Library):
    """All photos but the newest were uploaded in the same second."""

    def find(self, query: Query) -> list[SandboxPhoto]:
        *others, newest = Library.find(self, replace(query, min_upload=0))
        second = others[0].uploaded
        photos = [replace(photo, uploaded=second) for photo in others]
        photos.append(replace(newest, uploaded=second + 1))
        return [photo for photo in photos if photo.uploaded >= query.min_upload]


async def test_with_oldest_first_one_second_may_have_several_pages() -> None:
    sandbox = new_sandbox()
    sandbox.library = LibraryOfOneSecond(sandbox.config)
    assert len(await ids_of(source_of(sandbox), ALL_OLDEST_FIRST)) == 300


class ApiWithVideosFirst(Api):
    """The first page has only videos, which are neither photos nor rejected entries."""

    async def page(self, query: PhotoQuery, number: int) -> Page:
        page = await Api.page(self, query, number)
        is_first = number == 1 and (query.since or 1) <= 1
        return replace(page, photos=(), rejected=self.rejected(page)) if is_first else page

    def rejected(self, page: Page) -> tuple[RejectedEntry, ...]:
        return ()


class ApiWithUnreadableFirst(ApiWithVideosFirst):
    """The first page has only entries that cannot be read."""

    def rejected(self, page: Page) -> tuple[RejectedEntry, ...]:
        return tuple(
            RejectedEntry(key=photo.id, title="", reason="No owner.") for photo in page.photos
        )


@pytest.mark.parametrize("query", [PhotoQuery(limit=1), replace(ALL_OLDEST_FIRST, limit=200)])
async def test_reading_continues_after_a_page_of_videos(query: PhotoQuery) -> None:
    source = source_of(new_sandbox(), api_class=ApiWithVideosFirst)
    assert len(await ids_of(source, query)) == query.limit


@pytest.mark.parametrize("query", [PhotoQuery(limit=150), replace(ALL_OLDEST_FIRST, limit=150)])
async def test_entries_that_cannot_be_read_count_for_the_limit(query: PhotoQuery) -> None:
    source = source_of(new_sandbox(), api_class=ApiWithUnreadableFirst)
    pages = await pages_of(source, query)
    assert sum(len(page.rejected) for page in pages) == 100
    assert sum(len(page.photos) for page in pages) == 50


@pytest.mark.parametrize("limit", [1, 7, 100, 101])
@pytest.mark.parametrize("entry", ["1", '"text"', '{"id":"7"}', '{"id":"%d","title":"No owner"}'])
async def test_a_page_of_many_entries_is_read_up_to_the_limit(limit: int, entry: str) -> None:
    entries = ",".join(entry % n if "%" in entry else entry for n in range(20_000))
    many = Reply(body=b'{"stat":"ok","photos":{"pages":1,"photo":[%s]}}' % entries.encode())
    flickr = connect_to(new_sandbox(first_replies=(many,)))
    pages = await pages_of(flickr.source, PhotoQuery(limit=limit))
    assert 0 < sum(len(page.rejected) for page in pages) <= min(limit, 100)


EMPTY = Reply(body=b'{"stat":"ok","photos":{"page":1,"pages":9,"total":900,"photo":[]}}')
LAST = Reply(body=b'{"stat":"ok","photos":{"page":1,"pages":1,"total":900,"photo":[]}}')


@pytest.mark.parametrize("empty_pages", [1, EMPTY_PAGES_MAX - 1])
async def test_reading_continues_after_an_empty_page_and_says_so(empty_pages: int) -> None:
    sandbox = new_sandbox(first_replies=(None, *(EMPTY,) * empty_pages))
    pages = await pages_of(source_of(sandbox), PhotoQuery(limit=300))
    assert [len(page.photos) for page in pages] == [100, *[0] * empty_pages, 100][: len(pages)]
    assert [page.note for page in pages if page.note] == [EMPTY_PAGE] * empty_pages


@pytest.mark.parametrize(
    ("query", "requests"), [(PhotoQuery(limit=300), EMPTY_PAGES_MAX), (ALL_OLDEST_FIRST, 1)]
)
async def test_reading_stops_after_several_empty_pages(query: PhotoQuery, requests: int) -> None:
    sandbox = new_sandbox(first_replies=(EMPTY,) * EMPTY_PAGES_MAX)
    pages = await pages_of(source_of(sandbox), query)
    assert [(page.photos, page.note) for page in pages] == [((), EMPTY_PAGE)] * requests
    assert len(sandbox.paths) == requests


async def test_an_empty_last_page_needs_no_note() -> None:
    sandbox = new_sandbox(first_replies=(LAST,))
    assert await pages_of(source_of(sandbox), PhotoQuery(limit=300)) == []
    assert len(sandbox.paths) == 1


class ApiThatRepeats(Api):
    async def page(self, query: PhotoQuery, number: int) -> Page:
        return await Api.page(self, query, 1)


async def test_reading_stops_at_a_repeated_page() -> None:
    sandbox = new_sandbox()
    source = source_of(sandbox, api_class=ApiThatRepeats)
    assert len(await ids_of(source, PhotoQuery(limit=300))) == 100
    assert len(sandbox.paths) == 2


class ApiWithShortPages(Api):
    """Flickr leaves photos out of a page that its total includes."""

    async def page(self, query: PhotoQuery, number: int) -> Page:
        page = await Api.page(self, query, number)
        return replace(page, photos=page.photos[:94])


async def test_reading_continues_after_a_short_page() -> None:
    source = source_of(new_sandbox(), api_class=ApiWithShortPages)
    assert len(await ids_of(source, PhotoQuery(limit=1000))) == 3 * 94

import json
from dataclasses import replace
from typing import Any

import pytest

from photos.flickr.api import Api
from photos.flickr.errors import (
    FlickrError,
    KeyRefusedError,
    QueryRefusedError,
    RequestRefusedError,
    SlowDownError,
    TooLargeError,
    UnavailableError,
    UnreadableError,
)
from photos.flickr.photo import Page, PhotoQuery, RejectedEntry
from photos.flickr.sources import ApiSource, Source
from photos.sandbox.catalogue import SandboxPhoto
from photos.sandbox.replies import (
    BAD_GATEWAY,
    MAINTENANCE_PAGE,
    NOT_CURRENTLY_AVAILABLE,
    TOO_MANY,
    Reply,
)
from photos.sandbox.search import Library, Query
from photos.tests.in_memory_flickr import connect_to, new_sandbox

SINCE_EVER = PhotoQuery(limit=1000, since=1, oldest_first=True)


async def pages_of(source: Source, request: PhotoQuery) -> list[Page]:
    return [page async for page in source.pages(request)]


async def ids_of(source: Source, request: PhotoQuery) -> list[str]:
    return [photo.id for page in await pages_of(source, request) for photo in page.photos]


@pytest.mark.parametrize("limit", [1, 99, 100, 101, 300, 301])
async def test_no_more_than_the_limit_and_no_more_than_there_are(limit: int) -> None:
    found = await ids_of(connect_to(new_sandbox()).source, PhotoQuery(limit=limit))
    assert len(found) == len(set(found)) == min(limit, 300)


async def test_the_newest_come_first() -> None:
    found = await ids_of(connect_to(new_sandbox()).source, PhotoQuery(limit=150))
    assert found == sorted(found, reverse=True)


async def test_since_a_mark_the_oldest_come_first() -> None:
    found = await ids_of(connect_to(new_sandbox()).source, SINCE_EVER)
    assert found == sorted(found)


async def test_tags_are_all_wanted() -> None:
    pages = await pages_of(
        connect_to(new_sandbox()).source, PhotoQuery(tags=("sea", "dusk"), limit=50)
    )
    photos = [photo for page in pages for photo in page.photos]
    assert photos
    assert all({"sea", "dusk"} <= set(photo.tags) for photo in photos)


async def test_pages_that_move_give_no_photo_twice() -> None:
    found = await ids_of(
        connect_to(new_sandbox(new_photos_per_request=30)).source, PhotoQuery(limit=250)
    )
    assert len(found) == len(set(found)) > 200


async def test_nothing_found_is_no_page() -> None:
    assert (
        await pages_of(connect_to(new_sandbox()).source, PhotoQuery(tags=("nobody",), limit=9))
        == []
    )


async def test_a_query_is_read_to_4000_and_no_further() -> None:
    sandbox = new_sandbox(photos=4300)
    found = await ids_of(connect_to(sandbox).source, PhotoQuery(limit=5000, since=1))
    assert len(found) == 4000
    assert sandbox.paths.count("/services/rest/") == 40


async def test_oldest_first_too_no_import_has_more_than_4000() -> None:
    source = connect_to(new_sandbox(photos=4300)).source
    assert len(await ids_of(source, replace(SINCE_EVER, limit=5000))) == source.max_photos == 4000


class LibraryWithADeletion(Library):
    """Its oldest photo is deleted once it has been found."""

    asked = 0

    def find(self, query: Query) -> list[SandboxPhoto]:
        self.asked += 1
        return [one for one in Library.find(self, query) if self.asked == 1 or one.number > OLDEST]


OLDEST = 10_000 - 299


async def test_oldest_first_a_photo_that_vanishes_hides_no_other() -> None:
    sandbox = new_sandbox()
    sandbox.library = LibraryWithADeletion(sandbox.config)
    assert len(await ids_of(connect_to(sandbox).source, SINCE_EVER)) == 300


class OneSecond(Library):
    """All photos but the newest were uploaded in the same second."""

    def find(self, query: Query) -> list[SandboxPhoto]:
        found = Library.find(self, replace(query, min_upload=0))
        at = found[0].uploaded
        moved = [replace(one, uploaded=at) for one in found[:-1]] + [
            replace(found[-1], uploaded=at + 1)
        ]
        return [one for one in moved if one.uploaded >= query.min_upload]


async def test_oldest_first_a_second_may_have_several_pages() -> None:
    sandbox = new_sandbox()
    sandbox.library = OneSecond(sandbox.config)
    assert len(await ids_of(connect_to(sandbox).source, SINCE_EVER)) == 300


class NoPhotos(Api):
    """The first page holds videos only, or entries that cannot be read."""

    kind = "video"

    async def page(self, request: PhotoQuery, number: int) -> Page:
        page = await Api.page(self, request, number)
        if number > 1 or (request.since or 1) > 1:
            return page
        bad = tuple(RejectedEntry(key=one.id, title="", reason="No owner.") for one in page.photos)
        return replace(page, photos=(), rejected=bad if self.kind == "unreadable" else ())


class Unreadable(NoPhotos):
    kind = "unreadable"


@pytest.mark.parametrize("kind", [NoPhotos, Unreadable])
@pytest.mark.parametrize("request_", [PhotoQuery(limit=1), replace(SINCE_EVER, limit=200)])
async def test_a_page_without_photos_is_not_the_end(kind: type[Api], request_: PhotoQuery) -> None:
    api = connect_to(new_sandbox()).api
    source = ApiSource(
        kind(
            client=api.client,
            config=api.config,
            wait_for_turn=api.wait_for_turn,
            show_message=api.show_message,
        )
    )
    assert len(await ids_of(source, request_)) == request_.limit


async def test_a_page_without_entries_is_the_end() -> None:
    empty = Reply(body=b'{"stat":"ok","photos":{"page":1,"pages":9,"total":900,"photo":[]}}')
    sandbox = new_sandbox(first_replies=(empty, empty))
    assert await ids_of(connect_to(sandbox).source, PhotoQuery(limit=300)) == []
    assert len(sandbox.paths) == 1


async def test_a_page_that_is_repeated_is_the_end() -> None:
    class Repeating(Api):
        async def page(self, request: PhotoQuery, number: int) -> Page:
            return await Api.page(self, request, 1)

    sandbox = new_sandbox()
    api = connect_to(sandbox).api
    source = ApiSource(
        Repeating(
            client=api.client,
            config=api.config,
            wait_for_turn=api.wait_for_turn,
            show_message=api.show_message,
        )
    )
    assert len(await ids_of(source, PhotoQuery(limit=300))) == 100
    assert len(sandbox.paths) == 2


class ShortPages(Api):
    """Flickr drops photos from pages that it had counted."""

    async def page(self, request: PhotoQuery, number: int) -> Page:
        page = await Api.page(self, request, number)
        return replace(page, photos=page.photos[:94])


async def test_a_short_page_is_not_the_end() -> None:
    api = connect_to(new_sandbox()).api
    short = ShortPages(
        client=api.client,
        config=api.config,
        wait_for_turn=api.wait_for_turn,
        show_message=api.show_message,
    )
    assert len(await ids_of(ApiSource(short), PhotoQuery(limit=1000))) == 3 * 94


@pytest.mark.parametrize(
    "passing", [TOO_MANY, BAD_GATEWAY, MAINTENANCE_PAGE, NOT_CURRENTLY_AVAILABLE, Reply()]
)
async def test_what_may_pass_is_tried_again_and_said(passing: Reply) -> None:
    flickr = connect_to(new_sandbox(first_replies=(passing, passing)))
    assert len(await ids_of(flickr.source, PhotoQuery(limit=5))) == 5
    assert "Trying again in 0 s (2 of 5)" in flickr.messages[0]
    assert flickr.messages[-1] == ""


@pytest.mark.parametrize(("failures", "succeeds"), [(4, True), (5, False)])
async def test_five_tries_are_enough(failures: int, succeeds: bool) -> None:
    sandbox = new_sandbox(first_replies=(TOO_MANY,) * failures)
    if succeeds:
        assert await ids_of(connect_to(sandbox).source, PhotoQuery(limit=5))
    else:
        with pytest.raises(SlowDownError, match="try again later"):
            await ids_of(connect_to(sandbox).source, PhotoQuery(limit=5))
    assert len(sandbox.paths) == 5


async def test_the_last_try_announces_no_other() -> None:
    flickr = connect_to(new_sandbox(first_replies=(TOO_MANY,) * 5))
    with pytest.raises(SlowDownError):
        await ids_of(flickr.source, PhotoQuery(limit=5))
    assert [message[-9:] for message in flickr.messages] == [
        f"({number} of 5)." for number in (2, 3, 4, 5)
    ]


@pytest.mark.parametrize(("more", "fits"), [(-1, True), (0, True), (1, False)])
async def test_a_document_has_8_mib_at_most(more: int, fits: bool) -> None:
    empty = b'{"stat":"ok","photos":{"photo":[]}}'
    reply = Reply(body=empty.ljust(8 * 1024 * 1024 + more))
    source = connect_to(new_sandbox(first_replies=(reply,) * 5)).source
    if fits:
        assert await ids_of(source, PhotoQuery(limit=5)) == []
    else:
        with pytest.raises(TooLargeError):
            await ids_of(source, PhotoQuery(limit=5))


def refusing(code: int) -> Reply:
    return Reply(body=b'{"stat":"fail","code":%d,"message":"no"}' % code)


@pytest.mark.parametrize(
    ("reply", "error", "tries"),
    [
        (refusing(100), KeyRefusedError, 1),
        (refusing(3), QueryRefusedError, 1),
        (refusing(112), RequestRefusedError, 1),
        (refusing(105), UnavailableError, 5),
        (MAINTENANCE_PAGE, UnreadableError, 5),
        (Reply(body=b""), UnreadableError, 5),
    ],
)
async def test_only_what_may_pass_is_tried_again(
    reply: Reply, error: type[FlickrError], tries: int
) -> None:
    sandbox = new_sandbox(first_replies=(reply,) * 9)
    with pytest.raises(error):
        await ids_of(connect_to(sandbox).source, PhotoQuery(limit=5))
    assert len(sandbox.paths) == tries


@pytest.mark.parametrize("key", ["", "bogus"])
async def test_a_bogus_key_is_refused_at_once(key: str) -> None:
    sandbox = new_sandbox()
    with pytest.raises(KeyRefusedError):
        await ids_of(connect_to(sandbox, api_key=key).source, PhotoQuery(limit=5))
    assert len(sandbox.paths) == 1


async def test_too_many_tags() -> None:
    tags = tuple(f"tag{n}" for n in range(21))
    with pytest.raises(QueryRefusedError, match="tags"):
        await ids_of(connect_to(new_sandbox()).source, PhotoQuery(tags=tags, limit=5))


async def test_licences_are_asked_for() -> None:
    told = await connect_to(new_sandbox()).source.licences()
    assert [(one.number, one.name) for one in told][4] == (4, "Attribution License")


@pytest.mark.parametrize(("length", "kept"), [(300, True), (301, False)])
async def test_the_address_of_a_licence_is_whole_or_none(length: int, kept: bool) -> None:
    url = "https://x/".ljust(length, "x")
    listed = json.dumps({"stat": "ok", "licenses": {"license": [{"id": 99, "url": url}]}})
    source = connect_to(new_sandbox(first_replies=(Reply(body=listed.encode()),))).source
    assert [one.url for one in await source.licences()] == [url if kept else ""]


@pytest.mark.parametrize("body", [b'{"stat":"ok"}', b'{"stat":"ok","licenses":{"license":[7]}}'])
async def test_licences_may_be_missing(body: bytes) -> None:
    assert await connect_to(new_sandbox(first_replies=(Reply(body=body),))).source.licences() == ()


@pytest.mark.parametrize(("limit", "found"), [(1, 1), (20, 20), (21, 20), (60, 20)])
async def test_the_feed_has_twenty_at_most(limit: int, found: int) -> None:
    feed = connect_to(new_sandbox(), api_key="").feed
    assert len(await ids_of(feed, PhotoQuery(limit=limit))) == found
    assert feed.max_photos == 20


@pytest.mark.parametrize("knobs", [{}, {"broken_escapes": True}])
async def test_feed_and_api_agree(knobs: dict[str, Any]) -> None:
    flickr = connect_to(new_sandbox(hostile_rate=0.5, **knobs))
    by_api = {
        p.id: p for page in await pages_of(flickr.source, PhotoQuery(limit=20)) for p in page.photos
    }
    by_feed = {
        p.id: p for page in await pages_of(flickr.feed, PhotoQuery(limit=20)) for p in page.photos
    }
    assert by_feed.keys() == by_api.keys()
    for one, other in ((by_feed[name], by_api[name]) for name in by_api):
        assert (one.title, one.owner_name, one.page_url) == (
            other.title,
            other.owner_name,
            other.page_url,
        )
        assert (one.taken.local or other.taken.local) == (other.taken.local or one.taken.local)
        assert (one.uploaded_at, one.tags) == (other.uploaded_at, other.tags)


async def test_an_empty_feed_is_no_page() -> None:
    assert await pages_of(connect_to(new_sandbox(photos=0)).feed, PhotoQuery(limit=20)) == []


async def test_a_feed_of_html_is_tried_again() -> None:
    flickr = connect_to(new_sandbox(first_replies=(MAINTENANCE_PAGE,)))
    assert len(await ids_of(flickr.feed, PhotoQuery(limit=20))) == 20

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
    UnavailableError,
    UnreadableError,
)
from photos.flickr.photo import Page, Request
from photos.flickr.sources import ApiSource, Source
from photos.sandbox.replies import (
    BAD_GATEWAY,
    FLICKR_HOUSE_PAGE,
    NOT_CURRENTLY_AVAILABLE,
    TOO_MANY,
    Reply,
)
from photos.tests.sandboxes import flickr_of, sandbox

SINCE_EVER = Request(limit=1000, since=1, oldest_first=True)


async def pages_of(source: Source, request: Request) -> list[Page]:
    return [page async for page in source.pages(request)]


async def ids_of(source: Source, request: Request) -> list[str]:
    return [photo.id for page in await pages_of(source, request) for photo in page.photos]


@pytest.mark.parametrize("limit", [1, 99, 100, 101, 300, 301])
async def test_no_more_than_the_limit_and_no_more_than_there_are(limit: int) -> None:
    found = await ids_of(flickr_of(sandbox()).source, Request(limit=limit))
    assert len(found) == len(set(found)) == min(limit, 300)


async def test_the_newest_come_first() -> None:
    found = await ids_of(flickr_of(sandbox()).source, Request(limit=150))
    assert found == sorted(found, reverse=True)


async def test_since_a_mark_the_oldest_come_first() -> None:
    found = await ids_of(flickr_of(sandbox()).source, SINCE_EVER)
    assert found == sorted(found)


async def test_tags_are_all_wanted() -> None:
    pages = await pages_of(flickr_of(sandbox()).source, Request(tags=("sea", "dusk"), limit=50))
    photos = [photo for page in pages for photo in page.photos]
    assert photos
    assert all({"sea", "dusk"} <= set(photo.tags) for photo in photos)


async def test_pages_that_move_give_no_photo_twice() -> None:
    found = await ids_of(flickr_of(sandbox(moving=30)).source, Request(limit=250))
    assert len(found) == len(set(found)) > 200


async def test_nothing_found_is_no_page() -> None:
    assert await pages_of(flickr_of(sandbox()).source, Request(tags=("nobody",), limit=9)) == []


async def test_a_query_is_read_to_4000_and_no_further() -> None:
    box = sandbox(photos=4300)
    found = await ids_of(flickr_of(box).source, replace(SINCE_EVER, limit=5000))
    assert len(found) == 4000
    assert box.paths.count("/services/rest/") == 40


class ShortPages(Api):
    """Flickr drops photos from pages that it had counted."""

    async def page(self, request: Request, number: int) -> Page:
        page = await Api.page(self, request, number)
        return replace(page, photos=page.photos[:94])


async def test_a_short_page_is_not_the_end() -> None:
    api = flickr_of(sandbox()).api
    short = ShortPages(client=api.client, config=api.config, pace=api.pace, say=api.say)
    assert len(await ids_of(ApiSource(short), Request(limit=1000))) == 3 * 94


@pytest.mark.parametrize(
    "passing", [TOO_MANY, BAD_GATEWAY, FLICKR_HOUSE_PAGE, NOT_CURRENTLY_AVAILABLE, Reply()]
)
async def test_what_may_pass_is_tried_again_and_said(passing: Reply) -> None:
    flickr = flickr_of(sandbox(script=(passing, passing)))
    assert len(await ids_of(flickr.source, Request(limit=5))) == 5
    assert "Trying again in 0 s (2 of 5)" in flickr.said[0]
    assert flickr.said[-1] == ""


@pytest.mark.parametrize(("failures", "succeeds"), [(4, True), (5, False)])
async def test_five_tries_are_enough(failures: int, succeeds: bool) -> None:
    box = sandbox(script=(TOO_MANY,) * failures)
    if succeeds:
        assert await ids_of(flickr_of(box).source, Request(limit=5))
    else:
        with pytest.raises(SlowDownError, match="try again later"):
            await ids_of(flickr_of(box).source, Request(limit=5))
    assert len(box.paths) == 5


def refusing(code: int) -> Reply:
    return Reply(body=b'{"stat":"fail","code":%d,"message":"no"}' % code)


@pytest.mark.parametrize(
    ("reply", "error", "tries"),
    [
        (refusing(100), KeyRefusedError, 1),
        (refusing(3), QueryRefusedError, 1),
        (refusing(112), RequestRefusedError, 1),
        (refusing(105), UnavailableError, 5),
        (FLICKR_HOUSE_PAGE, UnreadableError, 5),
        (Reply(body=b""), UnreadableError, 5),
    ],
)
async def test_only_what_may_pass_is_tried_again(
    reply: Reply, error: type[FlickrError], tries: int
) -> None:
    box = sandbox(script=(reply,) * 9)
    with pytest.raises(error):
        await ids_of(flickr_of(box).source, Request(limit=5))
    assert len(box.paths) == tries


@pytest.mark.parametrize("key", ["", "bogus"])
async def test_a_bogus_key_is_refused_at_once(key: str) -> None:
    box = sandbox()
    with pytest.raises(KeyRefusedError):
        await ids_of(flickr_of(box, api_key=key).source, Request(limit=5))
    assert len(box.paths) == 1


async def test_too_many_tags() -> None:
    tags = tuple(f"tag{n}" for n in range(21))
    with pytest.raises(QueryRefusedError, match="tags"):
        await ids_of(flickr_of(sandbox()).source, Request(tags=tags, limit=5))


async def test_licences_are_asked_for() -> None:
    told = await flickr_of(sandbox()).source.licences()
    assert [(one.number, one.name) for one in told][4] == (4, "Attribution License")


@pytest.mark.parametrize("body", [b'{"stat":"ok"}', b'{"stat":"ok","licenses":{"license":[7]}}'])
async def test_licences_may_be_missing(body: bytes) -> None:
    assert await flickr_of(sandbox(script=(Reply(body=body),))).source.licences() == ()


@pytest.mark.parametrize(("limit", "found"), [(1, 1), (20, 20), (21, 20), (60, 20)])
async def test_the_feed_has_twenty_at_most(limit: int, found: int) -> None:
    feed = flickr_of(sandbox(), api_key="").feed
    assert len(await ids_of(feed, Request(limit=limit))) == found
    assert feed.most == 20


@pytest.mark.parametrize("knobs", [{}, {"broken_escapes": True}])
async def test_feed_and_api_agree(knobs: dict[str, Any]) -> None:
    flickr = flickr_of(sandbox(hostile_rate=0.5, **knobs))
    by_api = {
        p.id: p for page in await pages_of(flickr.source, Request(limit=20)) for p in page.photos
    }
    by_feed = {
        p.id: p for page in await pages_of(flickr.feed, Request(limit=20)) for p in page.photos
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
    assert await pages_of(flickr_of(sandbox(photos=0)).feed, Request(limit=20)) == []


async def test_a_feed_of_html_is_tried_again() -> None:
    flickr = flickr_of(sandbox(script=(FLICKR_HOUSE_PAGE,)))
    assert len(await ids_of(flickr.feed, Request(limit=20))) == 20

import json

import pytest

from photos.flickr.errors import (
    KeyRefusedError,
    QueryRefusedError,
    TooLargeError,
)
from photos.flickr.photo import PhotoQuery
from photos.flickr.tests.reading import ids_of
from photos.sandbox.replies import (
    Reply,
)
from photos.tests.in_memory_flickr import connect_to, new_sandbox


@pytest.mark.parametrize(("extra_bytes", "fits"), [(-1, True), (0, True), (1, False)])
async def test_a_document_has_at_most_8_mib(extra_bytes: int, fits: bool) -> None:
    empty = b'{"stat":"ok","photos":{"photo":[]}}'
    reply = Reply(body=empty.ljust(8 * 1024 * 1024 + extra_bytes))
    source = connect_to(new_sandbox(first_replies=(reply,) * 5)).source
    if fits:
        assert await ids_of(source, PhotoQuery(limit=5)) == []
    else:
        with pytest.raises(TooLargeError):
            await ids_of(source, PhotoQuery(limit=5))


@pytest.mark.parametrize("key", ["", "bogus"])
async def test_a_wrong_key_is_not_retried(key: str) -> None:
    sandbox = new_sandbox()
    with pytest.raises(KeyRefusedError):
        await ids_of(connect_to(sandbox, api_key=key).source, PhotoQuery(limit=5))
    assert len(sandbox.paths) == 1


async def test_too_many_tags_are_refused() -> None:
    tags = tuple(f"tag{n}" for n in range(21))
    with pytest.raises(QueryRefusedError, match="tags"):
        await ids_of(connect_to(new_sandbox()).source, PhotoQuery(tags=tags, limit=5))


async def test_licences_are_read() -> None:
    licences = await connect_to(new_sandbox()).source.licences()
    assert [(licence.number, licence.name) for licence in licences][4] == (4, "Attribution License")


@pytest.mark.parametrize(("length", "is_complete"), [(300, True), (301, False)])
async def test_the_url_of_a_licence_is_complete_or_empty(length: int, is_complete: bool) -> None:
    url = "https://x/".ljust(length, "x")
    document = json.dumps({"stat": "ok", "licenses": {"license": [{"id": 99, "url": url}]}})
    source = connect_to(new_sandbox(first_replies=(Reply(body=document.encode()),))).source
    assert [licence.url for licence in await source.licences()] == [url if is_complete else ""]


@pytest.mark.parametrize("body", [b'{"stat":"ok"}', b'{"stat":"ok","licenses":{"license":[7]}}'])
async def test_licences_may_be_missing(body: bytes) -> None:
    assert await connect_to(new_sandbox(first_replies=(Reply(body=body),))).source.licences() == ()

from typing import Any

import pytest

from photos.sandbox.tests.clients import client


async def feed_items(**options: Any) -> list[dict[str, Any]]:
    response = await client(**options).get("/services/feeds/photos_public.gne?nojsoncallback=1")
    items: list[dict[str, Any]] = response.json()["items"]
    return items


async def test_the_feed_has_the_20_newest_unsorted() -> None:
    items = await feed_items()
    published = [entry["published"] for entry in items]
    assert len(items) == 20
    assert published != sorted(published, reverse=True)


async def test_an_author_in_the_feed_is_encoded_twice() -> None:
    authors = {entry["author"] for entry in await feed_items()}
    assert any("\\u" in author for author in authors)
    assert all(author.startswith('nobody@flickr.com ("') for author in authors)


async def test_the_feed_before_2017_was_not_json() -> None:
    http = client(broken_escapes=True, hostile_rate=1.0)
    response = await http.get("/services/feeds/photos_public.gne?nojsoncallback=1")
    with pytest.raises(ValueError, match="escape"):
        response.json()

"""Text from Flickr's server that is made to be slow to read."""

from collections.abc import Callable
from contextlib import suppress
from time import thread_time
from typing import Any

import pytest

from photos.flickr import parse
from photos.flickr.documents import parse_document
from photos.flickr.errors import FlickrError
from photos.flickr.feed import feed_page
from photos.flickr.tests.entries import ENTRY, SITE, page_of
from photos.flickr.tests.test_feed import ITEM
from photos.saving import save_page

LONG = 100_000
SECONDS_MAX = 5.0
"""Text of this length takes minutes if twice the length takes four times as long."""

DOCUMENTS: dict[str, Callable[[int], str]] = {
    "spaces after a callback": lambda length: f"jsonx(1){' ' * length}x",
    "spaces around a semicolon": lambda length: f"jsonx(1){' ' * length};{' ' * length}x",
    "spaces before a callback": lambda length: f"{' ' * length}jsonx",
    "closing brackets": lambda length: f"jsonx({') ' * length}",
    "a long name of a callback": lambda length: f"json{'x' * length}",
    "backslashes": lambda length: '{"a":"' + "\\" * length,
    "escaped quotes": lambda length: '{"a":"' + "\\'" * length,
    "brackets": lambda length: "[" * length,
    "digits": lambda length: "1" * length,
}
FEED_VALUES: dict[str, Callable[[int], dict[str, Any]]] = {
    "addresses": lambda length: {"author": "a@" * length},
    "addresses and names": lambda length: {"author": "a@a (" * length},
    "spaces in an author": lambda length: {"author": "a@" + " " * length},
    "a name in JSON": lambda length: {"author": 'a@b ("' + "\\" * length + ")"},
    "spaces in a description": lambda length: {"description": " x" + " " * length + "x"},
    "paragraphs": lambda length: {"description": "x" + "<p> " * length},
    "links": lambda length: {"description": "<p><a " + "<a " * length},
    "a link that does not end": lambda length: {"description": "<p><a >" + " posted a " * length},
    "slashes": lambda length: {"link": "/photos/" * length},
    "an image URL": lambda length: {"media": {"m": "/1/1_a" * length + "_m.jpg"}},
    "digits in a date": lambda length: {"published": "1" * length, "date_taken": "1" * length},
    "tags": lambda length: {"tags": "a " * length},
}
API_VALUES: dict[str, Callable[[int], dict[str, Any]]] = {
    "digits": lambda length: {"id": "1" * length, "dateupload": "1" * length},
    "an owner": lambda length: {"owner": "1@" * length},
    "an alias": lambda length: {"pathalias": "a-" * length},
    "a title": lambda length: {"title": " a" * length},
    "an image URL": lambda length: {"url_z": "https://live.staticflickr.com" + "/1_a" * length},
    "an image URL with a long ending": lambda length: {"url_z": "/1_a_" + "a" * length + "!"},
}


def seconds_of(call: Callable[[], object]) -> float:
    """The time of the CPU, so that other processes of the machine do not count."""
    start = thread_time()
    with suppress(FlickrError):
        call()
    return thread_time() - start


@pytest.mark.parametrize("name", DOCUMENTS)
@pytest.mark.parametrize("length", [LONG, 2 * LONG])
def test_a_document_is_read_in_linear_time(name: str, length: int) -> None:
    body = DOCUMENTS[name](length).encode()
    assert seconds_of(lambda: parse_document(body)) < SECONDS_MAX


@pytest.mark.parametrize("name", FEED_VALUES)
@pytest.mark.parametrize("length", [LONG, 2 * LONG])
def test_an_item_of_the_feed_is_read_in_linear_time(name: str, length: int) -> None:
    item = ITEM | FEED_VALUES[name](length)
    assert seconds_of(lambda: feed_page({"items": [item]}, site=SITE)) < SECONDS_MAX


@pytest.mark.django_db
@pytest.mark.parametrize("name", API_VALUES)
@pytest.mark.parametrize("length", [LONG, 2 * LONG])
def test_an_entry_of_the_api_is_read_and_saved_in_linear_time(name: str, length: int) -> None:
    entry = ENTRY | {"license": None} | API_VALUES[name](length)
    assert seconds_of(lambda: save_page(page_of(entry).photos)) < SECONDS_MAX


@pytest.mark.parametrize(("length", "is_read"), [(499, True), (500, True), (501, False)])
def test_the_url_of_an_image_has_a_maximum_length(length: int, is_read: bool) -> None:
    url = "https://example.com/".ljust(length, "x")
    entry = {name: value for name, value in ENTRY.items() if not name.startswith("url_")}
    page = page_of(entry | {"url_z": url})
    assert (len(page.photos), len(page.rejected)) == ((1, 0) if is_read else (0, 1))


def test_a_url_that_is_too_long_does_not_hide_the_other_sizes() -> None:
    photo = parse.photo(ENTRY | {"url_z": "https://example.com/" + "x" * 500}, site=SITE)
    assert [url[-5] for url in photo.image_urls] == ["n"]

import json
from typing import Any

import pytest

from photos.flickr.documents import parse_document
from photos.flickr.errors import UnreadableError
from photos.flickr.feed import AUTHOR_MAX, author_name, feed_page
from photos.flickr.photo import FlickrPhoto

SITE = "https://www.flickr.com"
PREAMBLE = (
    ' <p><a href="https://www.flickr.com/people/x/">NAME</a> posted a photo:</p> '
    '<p><a href="https://www.flickr.com/photos/x/1/" title="t">'
    '<img src="https://live.staticflickr.com/1/1_a_m.jpg" width="240" height="135" alt="t" />'
    "</a></p> "
)
ITEM: dict[str, Any] = {
    "title": "Low dusk",
    "link": "http://www.flickr.com/photos/44080248@N03/38453825782/",
    "media": {"m": "http://farm5.staticflickr.com/4525/38453825782_d76493e64e_m.jpg"},
    "date_taken": "2017-08-11T19:21:37-08:00",
    "description": PREAMBLE + "<p>My own words</p> ",
    "published": "2017-11-17T18:24:10Z",
    "author": 'nobody@flickr.com ("\\u00e4quinoktium")',
    "author_id": "44080248@N03",
    "tags": "street strasse",
}


def read(**changes: Any) -> FlickrPhoto:
    page = feed_page({"items": [ITEM | changes]}, site=SITE)
    assert not page.rejected
    return page.photos[0]


def test_ids_and_urls_come_from_the_links() -> None:
    photo = read()
    assert (photo.id, photo.owner_nsid) == ("38453825782", "44080248@N03")
    assert photo.page_url == f"{SITE}/photos/44080248@N03/38453825782/"
    stem = "https://live.staticflickr.com/4525/38453825782_d76493e64e"
    assert photo.image_urls == (f"{stem}_z.jpg", f"{stem}.jpg", f"{stem}_m.jpg")


def test_the_feed_has_no_licence() -> None:
    assert read().licence is None


def test_the_time_zone_of_the_date_taken_is_dropped() -> None:
    assert read().taken.local == "2017-08-11 19:21:37"


def test_the_description_is_the_owners_text_only() -> None:
    assert read().description == "<p>My own words</p>"
    assert read(description=PREAMBLE).description == ""
    assert read(description="Mine" + PREAMBLE).description == "Mine" + PREAMBLE.rstrip()


@pytest.mark.parametrize(
    ("author", "name"),
    [
        ("nobody@flickr.com (Ines (and Nina))", "Ines (and Nina)"),
        ('nobody@flickr.com ("\\u00e4quinoktium")', "äquinoktium"),
        ('nobody@flickr.com ("Ines \\"Nina\\" Castell")', 'Ines "Nina" Castell'),
        ('nobody@flickr.com ("half)', "half"),
        ("nobody@flickr.com ()", ""),
        ("nobody@flickr.com (a) (b)", "a) (b"),
        ("nobody@flickr.com (a\nb)", "a b"),
        ("nobody@flickr.com", ""),
        ("nobody@flickr.com (half", ""),
        ("@flickr.com (Ines)", ""),
        ("nobody@ (Ines)", ""),
        ("no body@flickr.com (Ines)", ""),
        (f"nobody@flickr.com ({'x' * (AUTHOR_MAX - 20)})", "x" * 255),
        (f"nobody@flickr.com ({'x' * (AUTHOR_MAX - 19)})", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_the_name_of_the_author(author: Any, name: str) -> None:
    assert author_name(author) == name


def test_untitled_and_without_tags() -> None:
    photo = read(title=" ", tags="")
    assert (photo.title, photo.tags) == ("", ())


def test_the_photos_are_sorted() -> None:
    items = [
        ITEM | {"link": f"/photos/me/{n}/", "published": f"2017-11-1{n}T00:00:00Z"}
        for n in (2, 4, 3)
    ]
    assert [photo.id for photo in feed_page({"items": items}, site=SITE).photos] == ["4", "3", "2"]


@pytest.mark.parametrize(
    "change",
    [
        {"link": "https://www.flickr.com/groups/1/"},
        {"link": "http://["},
        {"link": None},
        {"media": None},
        {"media": {"m": "https://live.staticflickr.com/../x_m.jpg"}},
        {"published": "yesterday"},
        {"author_id": ""},
    ],
)
def test_a_bad_item_is_rejected_and_the_others_are_read(change: dict[str, Any]) -> None:
    page = feed_page({"items": [ITEM | change, ITEM]}, site=SITE)
    assert (len(page.photos), len(page.rejected)) == (1, 1)
    assert page.rejected[0].title == "Low dusk"


@pytest.mark.parametrize("document", [{}, {"items": None}, {"items": {}}])
def test_other_documents_are_not_a_feed(document: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        feed_page(document, site=SITE)


def test_an_empty_feed_is_an_empty_page() -> None:
    assert feed_page({"items": []}, site=SITE).photos == ()


def test_the_escapes_of_old_feeds_are_repaired() -> None:
    body = (
        rb"""jsonFlickrFeed({"items":[{"title":"it\'s \"old\" \\' """ + b"\r\n" + rb"""two"}]})"""
    )
    assert parse_document(body)["items"][0]["title"] == "it's \"old\" \\' \r\ntwo"


def test_valid_escapes_are_not_changed() -> None:
    title = "a\\'b"
    assert parse_document(json.dumps({"title": title}).encode())["title"] == title

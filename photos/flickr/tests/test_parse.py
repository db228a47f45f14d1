from datetime import UTC, datetime
from typing import Any

import pytest

from photos.flickr import parse
from photos.flickr.photo import FlickrPhoto
from photos.flickr.tests.entries import ENTRY, SITE, page_of


def read(**changes: Any) -> FlickrPhoto:
    entry = {name: value for name, value in (ENTRY | changes).items() if value is not ...}
    return parse.photo(entry, site=SITE)


def test_a_complete_entry() -> None:
    photo = read()
    assert (photo.id, photo.title) == ("38453825782", "Low dusk over Ambervale")
    assert (photo.owner_nsid, photo.owner_name) == ("44080248@N03", "äquinoktium")
    assert (photo.description, photo.licence, photo.tags) == ("We waited.", 4, ("sea", "dusk"))
    assert photo.uploaded_at == datetime(2017, 11, 17, 18, 8, 24, tzinfo=UTC)
    assert photo.taken.local == "2017-08-11 19:21:37"
    assert photo.page_url == "https://www.flickr.com/photos/aequinoktium/38453825782/"
    assert [url[-5] for url in photo.image_urls] == ["z", "n"]
    assert (photo.width, photo.height) == (640, 360)


@pytest.mark.parametrize("alias", [None, "", "../admin", 7, ...])
def test_without_an_alias_the_page_url_has_the_owners_nsid(alias: Any) -> None:
    assert read(pathalias=alias).page_url == f"{SITE}/photos/44080248@N03/38453825782/"


@pytest.mark.parametrize("number", ["4", 4])
def test_a_number_may_be_a_string(number: Any) -> None:
    assert read(license=number).licence == 4


LARGEST = 2**31 - 1
YEAR_10000 = 253_402_300_800


@pytest.mark.parametrize(
    "licence", [..., None, "", "four", [4], True, -1, LARGEST + 1, str(LARGEST + 1)]
)
def test_an_unreadable_licence_is_none(licence: Any) -> None:
    assert read(license=licence).licence is None


@pytest.mark.parametrize("number", [0, LARGEST])
def test_a_licence_may_be_any_storable_number(number: int) -> None:
    assert read(license=number).licence == number


@pytest.mark.parametrize(
    ("side", "size"), [(LARGEST, (LARGEST, 320)), (LARGEST + 1, (None, None)), (-1, (None, None))]
)
def test_a_size_that_cannot_be_stored_is_none(
    side: int, size: tuple[int | None, int | None]
) -> None:
    no_sizes: dict[str, Any] = {
        f"{name}_{s}": ... for name in ("width", "height") for s in parse.SIZES
    }
    photo = read(**no_sizes | {"width_n": side, "height_n": 320})
    assert (photo.width, photo.height) == size


@pytest.mark.parametrize(
    ("seconds", "is_storable"), [(1, True), (0, False), (YEAR_10000 - 1, True), (YEAR_10000, False)]
)
def test_an_upload_date_must_be_storable(seconds: int, is_storable: bool) -> None:
    page = page_of(ENTRY | {"dateupload": str(seconds)})
    assert (len(page.photos), len(page.rejected)) == ((1, 0) if is_storable else (0, 1))


@pytest.mark.parametrize("title", [" ", "", None, ..., 12, "\t\n\0"])
def test_a_photo_may_be_untitled(title: Any) -> None:
    assert read(title=title).title == ""


def test_a_title_becomes_one_storable_line() -> None:
    assert read(title="one\ntwo\0three \ud800").title == "one two three \ufffd"
    assert len(read(title="x" * 300).title) == 255


@pytest.mark.parametrize("description", [{"_content": ""}, {}, "", None, ..., {"_content": None}])
def test_a_description_may_be_missing(description: Any) -> None:
    assert read(description=description).description == ""


@pytest.mark.parametrize(
    ("taken", "unknown"),
    [
        ("0000-00-00 00:00:00", 0),
        ("2017-08-11 19:21:37", 1),
        ("2017-08-11 19:21:37", "1"),
        ("2017-13-41 19:21:37", "0"),
        (..., 0),
        (None, ...),
    ],
)
def test_the_date_taken_may_be_unknown(taken: Any, unknown: Any) -> None:
    assert read(datetaken=taken, datetakenunknown=unknown).taken.local == ""


@pytest.mark.parametrize(("value", "granularity"), [("4", 4), (6, 6), ("8", 8), (5, 0), (..., 0)])
def test_the_granularity_is_one_of_flickrs(value: Any, granularity: int) -> None:
    assert read(datetakengranularity=value).taken.granularity == granularity


def test_old_image_hosts_are_replaced() -> None:
    photo = read(url_z="http://farm5.staticflickr.com/4525/38453825782_d76493e64e_z.jpg")
    assert photo.image_urls[0].startswith("https://live.staticflickr.com/4525/")

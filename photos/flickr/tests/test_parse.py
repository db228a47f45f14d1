import json
from datetime import UTC, datetime
from typing import Any

import pytest

from photos.flickr import parse
from photos.flickr.errors import (
    FlickrError,
    KeyRefusedError,
    QueryRefusedError,
    RequestRefusedError,
    UnavailableError,
    UnreadableError,
)
from photos.flickr.photo import FlickrPhoto, Page

SITE = "https://www.flickr.com"
ENTRY: dict[str, Any] = {
    "id": "38453825782",
    "owner": "44080248@N03",
    "secret": "d76493e64e",
    "server": "4525",
    "farm": 5,
    "title": "Low dusk over Ambervale",
    "description": {"_content": "We waited."},
    "license": "4",
    "dateupload": "1510942104",
    "datetaken": "2017-08-11 19:21:37",
    "datetakengranularity": "0",
    "datetakenunknown": "0",
    "ownername": "äquinoktium",
    "pathalias": "aequinoktium",
    "tags": "sea dusk sea",
    "media": "photo",
    "url_z": "https://live.staticflickr.com/4525/38453825782_d76493e64e_z.jpg",
    "height_z": "360",
    "width_z": 640,
    "url_n": "https://live.staticflickr.com/4525/38453825782_d76493e64e_n.jpg",
    "height_n": 180,
    "width_n": 320,
}


def read(**changes: Any) -> FlickrPhoto:
    entry = {name: value for name, value in (ENTRY | changes).items() if value is not ...}
    return parse.photo(entry, site=SITE)


def page_of(*entries: Any, **envelope: Any) -> Page:
    photos = {"page": 1, "pages": 1, "perpage": 100, "total": 1, "photo": list(entries)}
    return parse.page({"photos": photos | envelope, "stat": "ok"}, site=SITE)


def test_a_whole_entry() -> None:
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
def test_without_an_alias_the_page_is_the_owners_number(alias: Any) -> None:
    assert read(pathalias=alias).page_url == f"{SITE}/photos/44080248@N03/38453825782/"


@pytest.mark.parametrize("number", ["4", 4])
def test_numbers_come_as_numbers_or_text(number: Any) -> None:
    assert read(license=number).licence == 4


LARGEST = 2**31 - 1
YEAR_10000 = 253_402_300_800


@pytest.mark.parametrize(
    "licence", [..., None, "", "four", [4], True, -1, LARGEST + 1, str(LARGEST + 1)]
)
def test_a_licence_that_cannot_be_read_is_not_known(licence: Any) -> None:
    assert read(license=licence).licence is None


@pytest.mark.parametrize("number", [0, LARGEST])
def test_a_licence_may_be_any_number_that_can_be_kept(number: int) -> None:
    assert read(license=number).licence == number


@pytest.mark.parametrize(
    ("side", "size"), [(LARGEST, (LARGEST, 320)), (LARGEST + 1, (None, None)), (-1, (None, None))]
)
def test_sides_that_cannot_be_kept_are_not_known(
    side: int, size: tuple[int | None, int | None]
) -> None:
    none: dict[str, Any] = {f"{name}_{s}": ... for name in ("width", "height") for s in parse.SIZES}
    photo = read(**none | {"width_n": side, "height_n": 320})
    assert (photo.width, photo.height) == size


@pytest.mark.parametrize(
    ("seconds", "known"), [(1, True), (0, False), (YEAR_10000 - 1, True), (YEAR_10000, False)]
)
def test_the_date_of_upload_is_one_that_can_be_kept(seconds: int, known: bool) -> None:
    page = page_of(ENTRY | {"dateupload": str(seconds)})
    assert (len(page.photos), len(page.rejected)) == ((1, 0) if known else (0, 1))


@pytest.mark.parametrize("title", [" ", "", None, ..., 12, "\t\n\0"])
def test_a_photo_may_be_untitled(title: Any) -> None:
    assert read(title=title).title == ""


def test_a_title_is_one_storable_line() -> None:
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


@pytest.mark.parametrize(("given", "kept"), [("4", 4), (6, 6), ("8", 8), (5, 0), (..., 0)])
def test_granularity(given: Any, kept: int) -> None:
    assert read(datetakengranularity=given).taken.granularity == kept


def test_old_hosts_become_the_one_of_today() -> None:
    photo = read(url_z="http://farm5.staticflickr.com/4525/38453825782_d76493e64e_z.jpg")
    assert photo.image_urls[0].startswith("https://live.staticflickr.com/4525/")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"id": ...}, "no id"),
        ({"id": "../1"}, "no id"),
        ({"owner": "someone"}, "no owner"),
        ({"dateupload": "soon"}, "no date"),
        ({"dateupload": "0"}, "no date"),
        ({"dateupload": "999999999999999"}, "no date"),
        ({"url_z": ..., "url_n": ...}, "no picture"),
    ],
)
def test_a_bad_entry_is_listed_and_the_others_are_read(change: dict[str, Any], reason: str) -> None:
    bad = {name: value for name, value in (ENTRY | change).items() if value is not ...}
    page = page_of(bad, ENTRY | {"id": "7"}, "nonsense", None)
    assert [photo.id for photo in page.photos] == ["7"]
    assert len(page.rejected) == 3
    assert reason in page.rejected[0].reason


def test_the_same_photo_twice_on_a_page_is_one() -> None:
    assert len(page_of(ENTRY, ENTRY).photos) == 1


def test_videos_are_left_out() -> None:
    page = page_of(ENTRY | {"media": "video"})
    assert (page.photos, page.rejected, page.entries) == ((), (), 1)


def test_the_envelope_has_numbers_or_text() -> None:
    page = page_of(ENTRY, pages="13", total="1234", page=2)
    assert (page.number, page.pages, page.total) == (2, 13, 1234)


def test_a_page_may_be_empty_or_lack_its_list() -> None:
    assert page_of().photos == ()
    assert parse.page({"photos": {"page": 1, "pages": 0, "total": 0}}, site=SITE).photos == ()


@pytest.mark.parametrize("found", [{}, {"photos": []}, {"photos": {"photo": {}}}])
def test_what_is_not_a_page_cannot_be_read(found: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        parse.page(found, site=SITE)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>429 Too Many Requests</html>",
        b'<?xml version="1.0"?><rsp stat="ok"/>',
        b'{"photos":{"page":1,',
        b"[]",
        b"null",
        b'"text"',
        b"[" * 100_000,
        b"\xff\xfe\x00",
        b'{"stat":"perhaps"}',
        b"{}",
    ],
)
def test_what_is_not_an_answer_cannot_be_read(body: bytes) -> None:
    with pytest.raises(UnreadableError):
        parse.rest_document(body)


@pytest.mark.parametrize(
    "body", [b'{"stat":"ok"}', b'jsonFlickrApi({"stat":"ok"})', b' jsonFlickrApi({"stat":"ok"});\n']
)
def test_an_answer_may_be_wrapped(body: bytes) -> None:
    assert parse.rest_document(body) == {"stat": "ok"}


NOT_NOW = "Sorry, the Flickr API service is not currently available."


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        *((code, "Signature", KeyRefusedError) for code in (95, 96, 97, 98, 99, 100)),
        *((code, "Not found", RequestRefusedError) for code in (111, 112, 114, 115, 116)),
        *((code, "No", QueryRefusedError) for code in (1, 2, 3, 4, 5, 11, 12, 18, 20, 77)),
        *((code, "Down", UnavailableError) for code in (10, 105, 106)),
        *((code, NOT_NOW, UnavailableError) for code in (0, 201, 1)),
        (0, "Something else", RequestRefusedError),
        ("100", "As text", KeyRefusedError),
        (None, "", RequestRefusedError),
    ],
)
def test_a_refusal_is_told_by_its_code(code: Any, message: str, error: type[FlickrError]) -> None:
    body = json.dumps({"stat": "fail", "code": code, "message": message})
    with pytest.raises(error):
        parse.rest_document(body.encode())


def test_flickrs_own_words_are_not_shown() -> None:
    body = b'{"stat":"fail","code":100,"message":"Invalid API Key (abc123)"}'
    with pytest.raises(KeyRefusedError) as caught:
        parse.rest_document(body)
    assert "abc123" not in str(caught.value)

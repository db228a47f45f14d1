from typing import Any

import pytest

from photos.flickr import parse
from photos.flickr.errors import (
    UnreadableError,
)
from photos.flickr.tests.entries import ENTRY, SITE, page_of


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
def test_a_bad_entry_is_rejected_and_the_others_are_read(
    change: dict[str, Any], reason: str
) -> None:
    bad = {name: value for name, value in (ENTRY | change).items() if value is not ...}
    page = page_of(bad, ENTRY | {"id": "7"}, "nonsense", None)
    assert [photo.id for photo in page.photos] == ["7"]
    assert len(page.rejected) == 3
    assert reason in page.rejected[0].reason


def test_a_photo_that_is_twice_on_a_page_is_read_once() -> None:
    assert len(page_of(ENTRY, ENTRY).photos) == 1


def test_videos_are_ignored() -> None:
    page = page_of(ENTRY | {"media": "video"})
    assert (page.photos, page.rejected, page.entries) == ((), (), 1)


def test_the_numbers_of_a_page_may_be_strings() -> None:
    page = page_of(ENTRY, pages="13", total="1234", page=2)
    assert (page.number, page.pages, page.total) == (2, 13, 1234)


def test_a_page_may_be_empty_or_without_its_list() -> None:
    assert page_of().photos == ()
    assert (
        parse.page({"photos": {"page": 1, "pages": 0, "total": 0}}, site=SITE, entries_max=9).photos
        == ()
    )


@pytest.mark.parametrize("document", [{}, {"photos": []}, {"photos": {"photo": {}}}])
def test_other_documents_are_not_a_page(document: dict[str, Any]) -> None:
    with pytest.raises(UnreadableError):
        parse.page(document, site=SITE, entries_max=9)

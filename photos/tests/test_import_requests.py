import pytest

from photos import import_requests
from photos.tags import TAGS_MAX

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("tags", "limit", "title"),
    [
        ((), 1, "Import 1 photo"),
        ((), 60, "Import 60 photos"),
        (("sea", "dusk"), 60, "Import 60 photos tagged sea, dusk"),
        (("x" * 64,) * TAGS_MAX, 60, None),
    ],
)
def test_the_title_of_an_import(tags: tuple[str, ...], limit: int, title: str | None) -> None:
    text = import_requests.title(tags=tags, limit=limit)
    assert len(text) <= 255
    assert title in (None, text)

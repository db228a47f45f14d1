import pytest
from django.http import HttpResponse
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from photos.tests.factories import DIGEST, create_photo_with_file

pytestmark = pytest.mark.django_db


@pytest.mark.usefixtures("media_root")
def test_a_thumbnail_is_cached_for_ever(client: Client) -> None:
    photo = create_photo_with_file(b"RIFF....WEBP")
    response = client.get(photo.thumbnail_url)
    assert isinstance(response, HttpResponse)
    assert response.content == b"RIFF....WEBP"
    assert response.headers["Content-Type"] == "image/webp"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "immutable" in response.headers["Cache-Control"]
    assert "Cookie" not in response.headers.get("Vary", "")


@pytest.mark.usefixtures("media_root")
def test_a_thumbnail_takes_no_query(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    photo = create_photo_with_file()
    with django_assert_num_queries(0):
        client.get(photo.thumbnail_url)


@pytest.mark.usefixtures("media_root")
@pytest.mark.parametrize(
    "path",
    [
        f"/photos/1/{DIGEST}.webp",
        f"/photos/1001/{DIGEST}.png",
        f"/photos/../1001/{DIGEST}.webp",
        "/photos/1001/../../secret-key.webp",
        "/photos/1001/%2e%2e%2fsecret-key.webp",
        f"/photos/{'1' * 21}/{DIGEST}.webp",
        f"/photos/1001/{DIGEST.upper()}.webp",
        f"/photos/²/{DIGEST}.webp",
    ],
)
def test_other_paths_are_not_found(client: Client, path: str) -> None:
    create_photo_with_file()
    assert client.get(path).status_code == 404

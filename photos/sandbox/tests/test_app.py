import io
from collections.abc import Callable

import httpx
import pytest
from PIL import Image

from photos.sandbox.tests.clients import client, search


async def test_without_nojsoncallback_the_document_is_wrapped() -> None:
    http = client()
    feed = await http.get("/services/feeds/photos_public.gne?format=json")
    assert feed.text.startswith("jsonFlickrFeed({")
    response = await http.get("/services/rest/?method=flickr.test.echo")
    assert response.text.startswith("jsonFlickrApi({")


async def picture(http: httpx.AsyncClient, change_path: Callable[[str], str]) -> httpx.Response:
    item = (await search(http, text="a"))["photo"][0]
    path = f"/65535/{item['id']}_{item['secret']}.jpg"
    return await http.get(change_path(path))


@pytest.mark.parametrize(
    ("suffix", "edge"), [("s", 75), ("q", 150), ("m", 240), ("n", 320), ("", 500)]
)
async def test_a_picture_has_the_size_of_its_suffix(suffix: str, edge: int) -> None:
    ending = f"_{suffix}.jpg" if suffix else ".jpg"
    response = await picture(client(), lambda path: path.replace(".jpg", ending))
    image = Image.open(io.BytesIO(response.content))
    assert (image.format, max(image.size)) == ("JPEG", edge)


async def test_a_picture_is_the_same_each_time() -> None:
    first = await picture(client(seed=3), str)
    again = await picture(client(seed=3, latency=0.001), str)
    assert first.content == again.content


async def test_a_deleted_picture_redirects_to_a_placeholder() -> None:
    http = client(gone_rate=1.0)
    response = await picture(http, str)
    assert response.status_code == 302
    assert "photo_unavailable" in response.headers["location"]
    assert (await http.get(response.headers["location"])).headers["content-type"] == "image/gif"


async def test_a_picture_needs_its_secret() -> None:
    response = await picture(client(), lambda path: path[:-14] + "0000000000.jpg")
    assert response.status_code == 302


async def test_the_page_of_a_photo_escapes_its_title() -> None:
    http = client(hostile_rate=1.0)
    document = await search(http, text="<script>alert('title')")
    photo = document["photo"][0]
    response = await http.get(f"/photos/{photo['owner']}/{photo['id']}/")
    assert "&lt;script&gt;" in response.text
    assert "<script>" not in response.text


@pytest.mark.parametrize("path", ["/nothing", "/photos/me/1/", "/65535/1_0000000000_z.png"])
async def test_other_urls_are_not_found(path: str) -> None:
    assert (await client().get(path)).status_code == 404

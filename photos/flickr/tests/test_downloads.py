import asyncio

import httpx
import pytest

from photos.flickr.downloads import FAILURES_MAX, PAUSES_MAX, TRIES_MAX
from photos.flickr.errors import (
    PictureError,
    PictureGoneError,
    PictureLaterError,
    PictureRefusedError,
    PictureUnreadableError,
)
from photos.flickr.photo import PhotoQuery
from photos.sandbox.replies import BAD_GATEWAY, TOO_MANY, Reply
from photos.tests.in_memory_flickr import SITE, FlickrParts, connect_to, new_sandbox

ADDRESS = f"{SITE}/65535/1_0123456789_z.jpg"
JPEG = Reply(body=b"\xff\xd8 something", content_type="image/jpeg")


async def get(*replies: Reply, **changes: int) -> bytes:
    return await connect_to(new_sandbox(first_replies=replies), **changes).downloads.get((ADDRESS,))


async def test_a_picture() -> None:
    flickr = connect_to(new_sandbox())
    photos = [one async for page in flickr.source.pages(PhotoQuery(limit=1)) for one in page.photos]
    assert (await flickr.downloads.get(photos[0].image_urls)).startswith(b"\xff\xd8")


async def test_the_next_size_is_taken_when_one_is_missing() -> None:
    sandbox = new_sandbox(first_replies=(Reply(status=404), JPEG))
    picture = await connect_to(sandbox).downloads.get((ADDRESS, ADDRESS.replace("_z", "_m")))
    assert picture == JPEG.body
    assert [path[-5] for path in sandbox.paths] == ["z", "m"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(status=404), PictureGoneError),
        (Reply(status=410), PictureGoneError),
        (
            Reply(status=302, headers=(("location", f"{SITE}/photo_unavailable.gif"),)),
            PictureGoneError,
        ),
        (Reply(status=302, headers=(("location", "http://10.0.0.1/"),)), PictureGoneError),
        (Reply(status=403), PictureUnreadableError),
        (Reply(status=200, body=b""), PictureUnreadableError),
    ],
)
async def test_what_does_not_come_back_is_asked_for_once(
    reply: Reply, error: type[PictureError]
) -> None:
    sandbox = new_sandbox(first_replies=(reply, JPEG))
    with pytest.raises(error):
        await connect_to(sandbox).downloads.get((ADDRESS,))
    assert len(sandbox.paths) == 1


@pytest.mark.parametrize(
    "address", ["http://10.0.0.1/1.jpg", "https://example.com/1.jpg", "file:///etc/passwd", ""]
)
async def test_an_address_elsewhere_is_never_asked(address: str) -> None:
    sandbox = new_sandbox()
    with pytest.raises(PictureRefusedError):
        await connect_to(sandbox).downloads.get((address,))
    assert sandbox.paths == []


async def test_a_public_name_at_a_private_address_is_refused() -> None:
    class Rebound(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(
                200, stream=httpx.ByteStream(b"inside"), extensions={"network_stream": Stream()}
            )

    class Stream:
        def get_extra_info(self, name: str) -> object:
            return ("10.0.0.5", 443) if name == "server_addr" else None

    flickr = FlickrParts(Rebound(), image_hosts=("live.staticflickr.com",))
    with pytest.raises(PictureRefusedError):
        await flickr.downloads.get(("https://live.staticflickr.com/1/1_0123456789_z.jpg",))


@pytest.mark.parametrize(("size", "fits"), [(9, True), (10, True), (11, False)])
async def test_a_picture_has_a_largest_size(size: int, fits: bool) -> None:
    picture = Reply(body=b"x" * size)
    if fits:
        assert len(await get(picture, picture_max=10)) == size
    else:
        with pytest.raises(PictureRefusedError, match="larger"):
            await get(picture, picture_max=10)


@pytest.mark.parametrize("passing", [TOO_MANY, BAD_GATEWAY])
async def test_a_passing_fault_is_tried_again(passing: Reply) -> None:
    assert await get(passing, passing, JPEG) == JPEG.body
    with pytest.raises(PictureLaterError):
        await get(*(passing,) * TRIES_MAX, JPEG)


async def test_a_429_rests_all_downloads_and_says_so() -> None:
    flickr = connect_to(new_sandbox(first_replies=(TOO_MANY, *(JPEG,) * 4)))
    pictures = await asyncio.gather(*(flickr.downloads.get((ADDRESS,)) for _ in range(4)))
    assert pictures == [JPEG.body] * 4
    assert "slow down" in flickr.messages[0]
    assert flickr.messages[-1] == ""


async def test_at_last_the_rest_is_left_to_a_later_import() -> None:
    sandbox = new_sandbox(first_replies=(TOO_MANY,) * 100)
    downloads = connect_to(sandbox).downloads
    for _ in range(20):
        with pytest.raises(PictureLaterError):
            await downloads.get((ADDRESS,))
    assert len(sandbox.paths) == PAUSES_MAX


async def test_a_host_that_is_down_does_not_cost_a_try_for_each_photo() -> None:
    sandbox = new_sandbox(first_replies=(BAD_GATEWAY,) * 100)
    downloads = connect_to(sandbox).downloads
    for _ in range(20):
        with pytest.raises(PictureLaterError):
            await downloads.get((ADDRESS,))
    assert len(sandbox.paths) == FAILURES_MAX

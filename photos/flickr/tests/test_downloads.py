import asyncio

import httpx
import pytest

from photos.flickr.downloads import FAILURES_MAX, PAUSES_MAX, SLOW, TRIES_MAX, Downloads
from photos.flickr.errors import (
    PictureError,
    PictureGoneError,
    PictureLaterError,
    PictureRefusedError,
    PictureUnreadableError,
)
from photos.flickr.photo import PhotoQuery
from photos.flickr.pictures import PictureClient
from photos.flickr.retries import ShowMessage
from photos.flickr.tests.reading import photos_of
from photos.sandbox.replies import BAD_GATEWAY, TOO_MANY, Reply
from photos.tests.in_memory_flickr import SITE, FlickrParts, connect_to, new_sandbox

URL = f"{SITE}/65535/1_0123456789_z.jpg"
JPEG = Reply(body=b"\xff\xd8 something", content_type="image/jpeg")


async def get(*replies: Reply, **options: int) -> bytes:
    return await connect_to(new_sandbox(first_replies=replies), **options).downloads.get((URL,))


async def test_a_picture_is_downloaded() -> None:
    flickr = connect_to(new_sandbox())
    photos = await photos_of(flickr.source, PhotoQuery(limit=1))
    assert (await flickr.downloads.get(photos[0].image_urls)).startswith(b"\xff\xd8")


async def test_the_next_size_is_downloaded_if_one_is_missing() -> None:
    sandbox = new_sandbox(first_replies=(Reply(status=404), JPEG))
    picture = await connect_to(sandbox).downloads.get((URL, URL.replace("_z", "_m")))
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
async def test_permanent_errors_are_not_retried(reply: Reply, error: type[PictureError]) -> None:
    sandbox = new_sandbox(first_replies=(reply, JPEG))
    with pytest.raises(error):
        await connect_to(sandbox).downloads.get((URL,))
    assert len(sandbox.paths) == 1


@pytest.mark.parametrize(
    "url", ["http://10.0.0.1/1.jpg", "https://example.com/1.jpg", "file:///etc/passwd", ""]
)
async def test_other_hosts_get_no_request(url: str) -> None:
    sandbox = new_sandbox()
    with pytest.raises(PictureRefusedError):
        await connect_to(sandbox).downloads.get((url,))
    assert sandbox.paths == []


class PrivateStream:
    def get_extra_info(self, name: str) -> object:
        return ("10.0.0.5", 443) if name == "server_addr" else None


class PrivateServer(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(
            200,
            stream=httpx.ByteStream(b"inside"),
            extensions={"network_stream": PrivateStream()},
        )


async def test_a_public_host_with_a_private_ip_address_is_refused() -> None:
    flickr = FlickrParts(PrivateServer(), image_hosts=("live.staticflickr.com",))
    with pytest.raises(PictureRefusedError):
        await flickr.downloads.get(("https://live.staticflickr.com/1/1_0123456789_z.jpg",))


@pytest.mark.parametrize(("size", "fits"), [(9, True), (10, True), (11, False)])
async def test_a_picture_above_picture_max_is_refused(size: int, fits: bool) -> None:
    picture = Reply(body=b"x" * size)
    if fits:
        assert len(await get(picture, picture_max=10)) == size
    else:
        with pytest.raises(PictureRefusedError, match="larger"):
            await get(picture, picture_max=10)


@pytest.mark.parametrize("temporary_error", [TOO_MANY, BAD_GATEWAY])
async def test_temporary_errors_are_retried(temporary_error: Reply) -> None:
    assert await get(temporary_error, temporary_error, JPEG) == JPEG.body
    with pytest.raises(PictureLaterError):
        await get(*(temporary_error,) * TRIES_MAX, JPEG)


async def test_a_429_pauses_all_downloads_and_shows_a_message() -> None:
    flickr = connect_to(new_sandbox(first_replies=(TOO_MANY, *(JPEG,) * 4)))
    pictures = await asyncio.gather(*(flickr.downloads.get((URL,)) for _ in range(4)))
    assert pictures == [JPEG.body] * 4
    assert "slow down" in flickr.messages[0]
    assert flickr.messages[-1] == ""


class HangingServer(httpx.AsyncBaseTransport):
    """Sends no response until `answer` is set."""

    def __init__(self) -> None:
        self.answer = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await self.answer.wait()
        return httpx.Response(200, stream=httpx.ByteStream(JPEG.body))


def downloads_of(flickr: FlickrParts, show_message: ShowMessage, **options: float) -> Downloads:
    pictures = PictureClient(client=flickr.client, config=flickr.config)
    return Downloads(pictures, show_message=show_message, **{"first_wait": 0.0} | options)


async def test_a_picture_that_hangs_shows_a_message_until_it_arrives() -> None:
    server, messages = HangingServer(), list[str]()

    def show_message(text: str) -> None:
        messages.append(text)
        server.answer.set()

    downloads = downloads_of(FlickrParts(server), show_message, slow_after=0.0)
    assert await downloads.get((URL,)) == JPEG.body
    assert messages == [SLOW, ""]


async def test_a_picture_that_arrives_in_time_shows_no_message() -> None:
    flickr = connect_to(new_sandbox(first_replies=(JPEG,) * 3))
    await asyncio.gather(*(flickr.downloads.get((URL,)) for _ in range(3)))
    assert flickr.messages == []


async def test_each_failed_try_of_a_picture_shows_a_message() -> None:
    flickr = connect_to(new_sandbox(first_replies=(BAD_GATEWAY,) * TRIES_MAX))
    with pytest.raises(PictureLaterError):
        await flickr.downloads.get((URL,))
    *tries, last = flickr.messages
    assert [text[-9:] for text in tries] == ["(2 of 3).", "(3 of 3)."]
    assert all("error of its own server" in text for text in tries)
    assert last == ""


async def test_a_picture_that_arrives_leaves_the_message_about_another() -> None:
    server, messages = HangingServer(), list[str]()
    is_shown = asyncio.Event()

    def show_message(text: str) -> None:
        messages.append(text)
        is_shown.set()

    flickr = FlickrParts(server)
    downloads = downloads_of(flickr, show_message, slow_after=0.0)
    slow = asyncio.ensure_future(downloads.get((URL,)))
    await is_shown.wait()
    with pytest.raises(PictureRefusedError):
        await downloads.get(("https://example.com/1.jpg",))
    assert messages[-1] == SLOW
    server.answer.set()
    await slow
    assert messages[-1] == ""


async def test_after_several_429s_other_pictures_wait_for_a_later_import() -> None:
    sandbox = new_sandbox(first_replies=(TOO_MANY,) * 100)
    downloads = connect_to(sandbox).downloads
    for _ in range(20):
        with pytest.raises(PictureLaterError):
            await downloads.get((URL,))
    assert len(sandbox.paths) == PAUSES_MAX


async def test_after_many_failures_no_other_picture_is_tried() -> None:
    sandbox = new_sandbox(first_replies=(BAD_GATEWAY,) * 100)
    downloads = connect_to(sandbox).downloads
    for _ in range(20):
        with pytest.raises(PictureLaterError):
            await downloads.get((URL,))
    assert len(sandbox.paths) == FAILURES_MAX

import io
from typing import Any

import pytest
from PIL import Image
from pytest_django import Settings

from photos import thumbnail_image
from photos.flickr.errors import PictureUnreadableError
from photos.tests.pictures import claim_size, picture_bytes

LARGE = (6000, 4000)


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((60, 40), (60, 40)),
        ((640, 480), (640, 480)),
        ((1024, 512), (640, 320)),
        ((500, 2000), (160, 640)),
        ((1281, 7), (640, 4)),
        ((20_000, 300), (640, 10)),
    ],
)
def test_a_thumbnail_is_never_larger_than_the_picture(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    image = thumbnail_image.make(picture_bytes(size))
    assert (image.size, image.mode) == (expected, "RGB")


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "WEBP"])
def test_the_formats_of_flickr(file_format: str) -> None:
    assert thumbnail_image.make(picture_bytes(file_format=file_format)).size == (60, 40)


@pytest.mark.parametrize("file_format", ["BMP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_refused(file_format: str) -> None:
    with pytest.raises(PictureUnreadableError):
        thumbnail_image.make(picture_bytes((32, 32), file_format=file_format))


@pytest.mark.parametrize(
    "picture",
    [
        b"",
        b"<html></html>",
        picture_bytes((640, 480))[:300],
        b"\xff\xd8\xff\xe0",
        b"GIF89a",
        b"RIFF",
    ],
)
def test_other_bytes_are_refused(picture: bytes) -> None:
    with pytest.raises(PictureUnreadableError):
        thumbnail_image.make(picture)


@pytest.mark.parametrize(
    ("size", "is_accepted"), [((40, 24), True), ((40, 25), True), ((40, 26), False)]
)
@pytest.mark.parametrize(
    "options",
    [
        {"file_format": "PNG", "mode": "RGBA"},
        {"file_format": "PNG", "mode": "I;16"},
        {"file_format": "WEBP"},
        {"file_format": "GIF"},
        {"progressive": True},
    ],
)
def test_a_picture_has_a_maximum_of_pixels(
    settings: Settings, options: dict[str, Any], size: tuple[int, int], is_accepted: bool
) -> None:
    settings.FLICKR_PICTURE_PIXELS_MAX = 1000
    picture = picture_bytes(size, **options)
    if is_accepted:
        assert thumbnail_image.make(picture).size == size
    else:
        with pytest.raises(PictureUnreadableError, match=r"1,040 pixels.*1,000"):
            thumbnail_image.make(picture)


# In production warnings are no errors, and Pillow only warns up to twice its limit.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("size", "is_accepted"),
    [((6000, 3999), True), (LARGE, True), ((6000, 4001), False), ((60_000, 60_000), False)],
)
def test_a_jpeg_may_have_more_pixels_because_it_is_reduced_while_it_is_decoded(
    size: tuple[int, int], is_accepted: bool
) -> None:
    if is_accepted:
        assert thumbnail_image.make(picture_bytes(size, mode="L")).width == 640
    else:
        with pytest.raises(PictureUnreadableError):
            thumbnail_image.make(claim_size(picture_bytes(), size))


def test_a_rotated_picture_becomes_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    for size in ((60, 40), (3000, 2000)):
        upright = thumbnail_image.make(picture_bytes(size, exif=exif)).size
        assert upright[0] < upright[1]


def test_a_transparent_palette_is_shown_on_white() -> None:
    image = Image.new("P", (20, 20))
    image.putpalette([0, 0, 0] * 256)
    file = io.BytesIO()
    image.save(file, "PNG", transparency=b"\x80" * 256)
    assert thumbnail_image.make(file.getvalue()).getpixel((5, 5)) == (127, 127, 127)


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, 0), (0xFF, 0), (0x100, 1), (0x4000, 0x40), (0x80FF, 0x80), (0xFFFF, 0xFF)],
)
def test_gray_of_16_bits_keeps_its_brightness(value: int, shown: int) -> None:
    picture = picture_bytes(mode="I;16", color=value, file_format="PNG")
    assert thumbnail_image.make(picture).getpixel((5, 5)) == (shown,) * 3


def test_transparent_gray_of_16_bits_is_shown_on_white() -> None:
    values = (b"\x00\x40" * 10 + b"\x01\x40" * 10) * 20
    image = Image.frombytes("I;16", (20, 20), values)
    file = io.BytesIO()
    image.save(file, "PNG", transparency=0x4001)
    small = thumbnail_image.make(file.getvalue())
    assert (small.getpixel((5, 5)), small.getpixel((15, 5))) == ((0x40,) * 3, (0xFF,) * 3)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    assert thumbnail_image.make(picture_bytes(mode=mode, file_format="PNG", color=0)).mode == "RGB"

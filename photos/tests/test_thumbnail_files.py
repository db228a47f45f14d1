import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from photos import thumbnail_files
from photos.flickr.errors import PictureUnreadableError

pytestmark = pytest.mark.usefixtures("media_root")


def picture_bytes(
    size: tuple[int, int] = (60, 40), *, file_format: str = "JPEG", **options: Any
) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(file, file_format, **options)
    return file.getvalue()


def open_file(thumbnail: thumbnail_files.Thumbnail) -> Image.Image:
    content = thumbnail_files.path_of("1", thumbnail.digest).read_bytes()
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((60, 40), (60, 40)),
        ((640, 480), (640, 480)),
        ((1024, 512), (640, 320)),
        ((500, 2000), (160, 640)),
    ],
)
def test_a_thumbnail_is_never_larger_than_the_picture(
    size: tuple[int, int], expected: tuple[int, int]
) -> None:
    thumbnail = thumbnail_files.save("1", picture_bytes(size))
    assert (thumbnail.width, thumbnail.height) == expected == open_file(thumbnail).size


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "GIF", "WEBP"])
def test_the_formats_of_flickr(file_format: str) -> None:
    assert (
        open_file(thumbnail_files.save("1", picture_bytes(file_format=file_format))).format
        == "WEBP"
    )


@pytest.mark.parametrize("file_format", ["BMP", "TIFF", "PPM", "ICO"])
def test_other_formats_are_refused(file_format: str) -> None:
    with pytest.raises(PictureUnreadableError):
        thumbnail_files.save("1", picture_bytes((32, 32), file_format=file_format))


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
def test_other_bytes_are_refused(picture: bytes, media_root: Path) -> None:
    with pytest.raises(PictureUnreadableError):
        thumbnail_files.save("1", picture)
    assert not list(media_root.rglob("*.webp"))


# In production warnings are no errors, and Pillow only warns up to twice the limit.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("pixels", "is_accepted"),
    [
        ((6000, 3999), True),
        ((6000, 4000), True),
        ((24_000_001, 1), False),
        ((6000, 4001), False),
        ((30_000, 30_000), False),
    ],
)
def test_a_picture_with_too_many_pixels_is_refused(
    pixels: tuple[int, int], is_accepted: bool
) -> None:
    image = io.BytesIO()
    Image.new("1", pixels).save(image, "PNG")
    if is_accepted:
        assert thumbnail_files.save("1", image.getvalue()).width == 640
    else:
        with pytest.raises(PictureUnreadableError):
            thumbnail_files.save("1", image.getvalue())


def test_metadata_of_the_camera_is_removed() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    thumbnail = thumbnail_files.save(
        "1", picture_bytes(exif=exif, icc_profile=b"x" * 200, comment=b"hidden")
    )
    content = thumbnail_files.path_of("1", thumbnail.digest).read_bytes()
    assert b"where I live" not in content
    assert not {"exif", "icc_profile", "xmp"} & open_file(thumbnail).info.keys()


def test_a_rotated_picture_becomes_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # rotated by 90 degrees
    thumbnail = thumbnail_files.save("1", picture_bytes((60, 40), exif=exif))
    assert (thumbnail.width, thumbnail.height) == (40, 60)


def test_a_picture_with_a_palette_and_transparency_is_read() -> None:
    image = Image.new("P", (20, 20))
    image.putpalette([0, 0, 0] * 256)
    file = io.BytesIO()
    image.save(file, "PNG", transparency=b"\x80" * 256)
    assert thumbnail_files.save("1", file.getvalue()).width == 20


def test_the_same_picture_gives_the_same_thumbnail() -> None:
    assert thumbnail_files.save("1", picture_bytes()) == thumbnail_files.save("1", picture_bytes())


def test_a_full_disk_leaves_no_files(media_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def raise_disk_full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", raise_disk_full)
    with pytest.raises(OSError, match="No space"):
        thumbnail_files.save("1", picture_bytes())
    assert not [path for path in media_root.rglob("*") if path.is_file()]


def test_a_thumbnail_can_be_removed_twice() -> None:
    thumbnail = thumbnail_files.save("1", picture_bytes())
    thumbnail_files.remove("1", thumbnail.digest)
    thumbnail_files.remove("1", thumbnail.digest)
    thumbnail_files.remove("1", "")
    assert not thumbnail_files.path_of("1", thumbnail.digest).exists()

import io
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pytest_django import Settings

from photos import thumbnail_files
from photos.flickr.errors import PictureUnreadableError


@pytest.fixture(autouse=True)
def media(settings: Settings, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def encoded(size: tuple[int, int] = (60, 40), *, form: str = "JPEG", **options: Any) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", size, (200, 120, 40)).save(file, form, **options)
    return file.getvalue()


def opened(made: thumbnail_files.Thumbnail) -> Image.Image:
    content = thumbnail_files.path_of("1", made.digest).read_bytes()
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize(
    ("size", "becomes"),
    [
        ((60, 40), (60, 40)),
        ((640, 480), (640, 480)),
        ((1024, 512), (640, 320)),
        ((500, 2000), (160, 640)),
    ],
)
def test_it_is_made_smaller_never_larger(size: tuple[int, int], becomes: tuple[int, int]) -> None:
    made = thumbnail_files.save("1", encoded(size))
    assert (made.width, made.height) == becomes == opened(made).size


@pytest.mark.parametrize("form", ["JPEG", "PNG", "GIF", "WEBP"])
def test_the_forms_that_flickr_has(form: str) -> None:
    assert opened(thumbnail_files.save("1", encoded(form=form))).format == "WEBP"


@pytest.mark.parametrize("form", ["BMP", "TIFF", "PPM", "ICO"])
def test_other_forms_are_refused(form: str) -> None:
    with pytest.raises(PictureUnreadableError):
        thumbnail_files.save("1", encoded((32, 32), form=form))


@pytest.mark.parametrize(
    "picture",
    [b"", b"<html></html>", encoded((640, 480))[:300], b"\xff\xd8\xff\xe0", b"GIF89a", b"RIFF"],
)
def test_what_is_no_picture_is_refused(picture: bytes, media: Path) -> None:
    with pytest.raises(PictureUnreadableError):
        thumbnail_files.save("1", picture)
    assert not list(media.rglob("*.webp"))


# As it runs: there Pillow only warns of what is up to twice too large.
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize(
    ("pixels", "opens"),
    [
        ((6000, 3999), True),
        ((6000, 4000), True),
        ((24_000_001, 1), False),
        ((6000, 4001), False),
        ((30_000, 30_000), False),
    ],
)
def test_a_picture_made_to_hurt_is_not_opened(pixels: tuple[int, int], opens: bool) -> None:
    image = io.BytesIO()
    Image.new("1", pixels).save(image, "PNG")
    if opens:
        assert thumbnail_files.save("1", image.getvalue()).width == 640
    else:
        with pytest.raises(PictureUnreadableError):
            thumbnail_files.save("1", image.getvalue())


def test_what_the_camera_wrote_into_it_is_left_out() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    made = thumbnail_files.save("1", encoded(exif=exif, icc_profile=b"x" * 200, comment=b"hidden"))
    content = thumbnail_files.path_of("1", made.digest).read_bytes()
    assert b"where I live" not in content
    assert not {"exif", "icc_profile", "xmp"} & opened(made).info.keys()


def test_it_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    made = thumbnail_files.save("1", encoded((60, 40), exif=exif))
    assert (made.width, made.height) == (40, 60)


def test_a_picture_with_a_palette_and_transparency_is_read() -> None:
    image = Image.new("P", (20, 20))
    image.putpalette([0, 0, 0] * 256)
    file = io.BytesIO()
    image.save(file, "PNG", transparency=b"\x80" * 256)
    assert thumbnail_files.save("1", file.getvalue()).width == 20


def test_the_same_picture_has_the_same_name() -> None:
    assert thumbnail_files.save("1", encoded()) == thumbnail_files.save("1", encoded())


def test_a_full_disk_leaves_nothing_behind(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space"):
        thumbnail_files.save("1", encoded())
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_it_can_be_removed_twice() -> None:
    made = thumbnail_files.save("1", encoded())
    thumbnail_files.remove("1", made.digest)
    thumbnail_files.remove("1", made.digest)
    thumbnail_files.remove("1", "")
    assert not thumbnail_files.path_of("1", made.digest).exists()

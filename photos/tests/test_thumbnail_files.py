import io
from pathlib import Path

import pytest
from PIL import Image

from photos import thumbnail_files
from photos.flickr.errors import PictureUnreadableError
from photos.tests.pictures import picture_bytes

pytestmark = pytest.mark.usefixtures("media_root")


def open_file(thumbnail: thumbnail_files.Thumbnail) -> Image.Image:
    content = thumbnail_files.path_of("1", thumbnail.digest).read_bytes()
    return Image.open(io.BytesIO(content))


@pytest.mark.parametrize("picture", [b"", picture_bytes((640, 480))[:300]])
def test_what_is_no_picture_leaves_no_file(picture: bytes, media_root: Path) -> None:
    with pytest.raises(PictureUnreadableError):
        thumbnail_files.save("1", picture)
    assert not list(media_root.rglob("*.webp"))


def test_a_thumbnail_is_a_webp_file_of_the_reduced_picture() -> None:
    thumbnail = thumbnail_files.save("1", picture_bytes((1024, 512)))
    image = open_file(thumbnail)
    assert (image.format, image.size) == ("WEBP", (thumbnail.width, thumbnail.height))
    assert image.size == (640, 320)


def test_metadata_of_the_camera_is_removed() -> None:
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    thumbnail = thumbnail_files.save(
        "1", picture_bytes(exif=exif, icc_profile=b"x" * 200, comment=b"hidden")
    )
    content = thumbnail_files.path_of("1", thumbnail.digest).read_bytes()
    assert b"where I live" not in content
    assert not {"exif", "icc_profile", "xmp"} & open_file(thumbnail).info.keys()


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

"""Thumbnail files: reduces a downloaded picture and stores it under MEDIA_ROOT.

Called by `thumbnailing`, the thumbnail view and the receiver for deleted photos. It knows no row of
the database.
"""

import hashlib
import io
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings
from PIL import Image, ImageOps, UnidentifiedImageError

from photos.flickr.errors import PictureUnreadableError

EDGE: Final = 640
PIXELS_MAX: Final = 24_000_000
"""Pictures up to 1024 have one million; a picture of many more may be a decompression bomb."""

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP")

# Above this limit Pillow only warns, and it refuses above twice the limit: so `_reduce` checks too.
Image.MAX_IMAGE_PIXELS = PIXELS_MAX

NOT_A_PICTURE: Final = "Flickr's response is not a picture that can be read."


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnail:
    digest: str
    width: int
    height: int


def path_of(flickr_id: str, digest: str) -> Path:
    return Path(settings.MEDIA_ROOT) / "thumbnails" / digest[:2] / f"{flickr_id}-{digest}.webp"


def save(flickr_id: str, picture: bytes) -> Thumbnail:
    """Make and store the thumbnail of a picture. It blocks, so call it in a thread.

    Raises:
        PictureUnreadableError: the bytes are no picture, or a picture with too many pixels.
        OSError: the file cannot be written.
    """
    image = _reduce(picture)
    file = io.BytesIO()
    # Without exif, icc_profile or xmp Pillow writes none of them.
    image.save(file, "WEBP", quality=80, method=3)
    content = file.getvalue()
    digest = hashlib.sha256(content).hexdigest()[:16]
    _write(path_of(flickr_id, digest), content)
    return Thumbnail(digest=digest, width=image.width, height=image.height)


def remove(flickr_id: str, digest: str) -> None:
    if digest:
        path_of(flickr_id, digest).unlink(missing_ok=True)


def _reduce(picture: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
            if image.width * image.height > PIXELS_MAX:
                raise PictureUnreadableError(NOT_A_PICTURE)
            image.draft("RGB", (EDGE * 2, EDGE * 2))
            upright = _on_white(ImageOps.exif_transpose(image))
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        raise PictureUnreadableError(NOT_A_PICTURE) from None
    upright.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    return upright


def _on_white(image: Image.Image) -> Image.Image:
    if not image.has_transparency_data:
        return image.convert("RGB")
    transparent = image.convert("RGBA")
    white = Image.new("RGBA", transparent.size, "white")
    return Image.alpha_composite(white, transparent).convert("RGB")


def _write(path: Path, content: bytes) -> None:
    """Write the file completely or not at all: to a temporary file, which then replaces `path`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
    temporary = Path(name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        temporary.chmod(0o644)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise

"""Thumbnail images: decodes a downloaded picture and reduces it, with little memory.

Called by `thumbnail_files`, for one picture at a time in each process. The limits keep a worker
small: whatever Flickr's server sends, only a few megabytes of it are in memory.
"""

import io
from typing import Final

from django.conf import settings
from PIL import Image, ImageOps, UnidentifiedImageError

from photos.flickr.errors import PictureUnreadableError

EDGE: Final = 640

FILE_PIXELS_MAX: Final = 24_000_000
"""A JPEG is reduced while it is decoded, but decoding still takes time for each of its pixels."""

FORMATS: Final = ("JPEG", "PNG", "GIF", "WEBP")

# Above this limit Pillow only warns, and it refuses above twice the limit: so `make` checks too.
Image.MAX_IMAGE_PIXELS = FILE_PIXELS_MAX

NOT_A_PICTURE: Final = "Flickr's response is not a picture that can be read."


def make(picture: bytes) -> Image.Image:
    """Return the picture upright, in RGB, with at most `EDGE` pixels on each side.

    Raises:
        PictureUnreadableError: the bytes are no picture, or a picture with too many pixels.
    """
    try:
        with Image.open(io.BytesIO(picture), formats=FORMATS) as image:
            _refuse_above(FILE_PIXELS_MAX, image)
            _reduce_while_decoding(image)
            _refuse_above(settings.FLICKR_PICTURE_PIXELS_MAX, image)
            image.load()
            small = _in_eight_bits(image)
    except (
        UnidentifiedImageError,
        OSError,
        SyntaxError,
        ValueError,
        Image.DecompressionBombError,
        Image.DecompressionBombWarning,
    ):
        raise PictureUnreadableError(NOT_A_PICTURE) from None
    small.thumbnail((EDGE, EDGE), Image.Resampling.LANCZOS)
    return _on_white(ImageOps.exif_transpose(small))


def _reduce_while_decoding(image: Image.Image) -> None:
    """Have the decoder of a JPEG skip pixels, so that the whole picture is never in memory.

    Not for a progressive JPEG: its decoder needs memory for the whole picture anyway.
    """
    if image.format != "JPEG" or "progressive" in image.info:
        return
    scale = 2 * EDGE / max(image.size)
    if scale < 1:
        width, height = (max(1, int(side * scale)) for side in image.size)
        image.draft(None, (width, height))


def _refuse_above(limit: int, image: Image.Image) -> None:
    pixels = image.width * image.height
    if pixels > limit:
        raise PictureUnreadableError(
            f"The picture has {pixels:,} pixels; this site reads pictures of up to {limit:,}."
        )


def _in_eight_bits(image: Image.Image) -> Image.Image:
    """Return the image in RGB or RGBA; without a copy, if it has that mode already."""
    if image.mode.startswith("I"):
        return _gray_of_16_bits(image)
    mode = "RGBA" if image.has_transparency_data else "RGB"
    return image if image.mode == mode else image.convert(mode)


def _gray_of_16_bits(image: Image.Image) -> Image.Image:
    """Divide the values by 256; Pillow's own conversion makes everything above 255 white."""
    gray = image.convert("I")
    result = gray.point([value >> 8 for value in range(0x10000)], "L")
    transparent = result.info.pop("transparency", None)
    if transparent is not None:
        table = [0 if value == transparent else 255 for value in range(0x10000)]
        result.putalpha(gray.point(table, "L"))
    return result.convert("RGB" if transparent is None else "RGBA")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")

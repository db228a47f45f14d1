"""Renders the sandbox's pictures as JPEG, in Flickr's sizes."""

import io
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from PIL import Image

from photos.sandbox.catalogue import SandboxPhoto
from photos.sandbox.motifs import add_grain, paint
from photos.sandbox.palettes import Palette
from photos.sandbox.seeds import seeded

SUFFIXES: MappingProxyType[str, str] = MappingProxyType(
    {"t": "t", "m": "s", "n": "n", "w": "w", "": "m", "z": "z", "c": "c", "b": "l"}
)
"""The suffix in the URL of a picture, and the name of that size in the REST API."""

SQUARES: MappingProxyType[str, int] = MappingProxyType({"s": 75, "q": 150})
DRAWN_EDGE = 1536


@dataclass(frozen=True, slots=True)
class _Sketch:
    """All that a picture depends on, so that sandboxes with other settings share the cache."""

    seed: int
    number: int
    motif: str
    palette: Palette
    ratio: tuple[int, int]


@lru_cache(maxsize=8)  # megabytes each; requests for the other sizes of a photo follow soon
def _draw(sketch: _Sketch) -> Image.Image:
    wide, high = sketch.ratio
    size = (DRAWN_EDGE * wide // max(wide, high), DRAWN_EDGE * high // max(wide, high))
    rng = seeded("picture", sketch.seed, sketch.number)
    return paint(sketch.motif, palette=sketch.palette, size=size, rng=rng)


def _square(image: Image.Image) -> Image.Image:
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    return image.crop((left, top, left + edge, top + edge))


def size_of(photo: SandboxPhoto, suffix: str) -> tuple[int, int] | None:
    if suffix in SQUARES:
        return (SQUARES[suffix], SQUARES[suffix])
    return photo.sizes.get(SUFFIXES.get(suffix, "none"))


def jpeg(seed: int, photo: SandboxPhoto, suffix: str) -> bytes | None:
    """The picture in this size; None if the photo does not have this size."""
    size = size_of(photo, suffix)
    if size is None:
        return None
    sketch = _Sketch(seed, photo.number, photo.motif, photo.palette, photo.ratio)
    return _encode(sketch, size, is_square=suffix in SQUARES)


@lru_cache(maxsize=512)
def _encode(sketch: _Sketch, size: tuple[int, int], *, is_square: bool) -> bytes:
    drawn = _draw(sketch)
    image = (_square(drawn) if is_square else drawn).resize(size, Image.Resampling.LANCZOS)
    image = add_grain(image, rng=seeded("grain", sketch.seed, sketch.number))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=84)
    return file.getvalue()

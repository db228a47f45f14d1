"""Renders the sandbox's pictures as JPEG, in Flickr's sizes."""

import io
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

from PIL import Image

from photos.sandbox.catalogue import SandboxPhoto
from photos.sandbox.motifs import paint, with_grain
from photos.sandbox.palettes import Palette
from photos.sandbox.seeds import seeded

SUFFIXES: MappingProxyType[str, str] = MappingProxyType(
    {"t": "t", "m": "s", "n": "n", "w": "w", "": "m", "z": "z", "c": "c", "b": "l"}
)
"""The suffix in an image's address, and REST's name of that size."""

SQUARES: MappingProxyType[str, int] = MappingProxyType({"s": 75, "q": 150})
DRAWN_EDGE = 1536


@dataclass(frozen=True, slots=True)
class _Sketch:
    """All that a picture depends on; sandboxes that differ in other knobs share it."""

    seed: int
    number: int
    motif: str
    palette: Palette
    ratio: tuple[int, int]


@lru_cache(maxsize=8)  # megabytes each; whoever asks for more sizes of one does so soon
def _drawn(sketch: _Sketch) -> Image.Image:
    wide, high = sketch.ratio
    size = (DRAWN_EDGE * wide // max(wide, high), DRAWN_EDGE * high // max(wide, high))
    rng = seeded("picture", sketch.seed, sketch.number)
    return paint(sketch.motif, palette=sketch.palette, size=size, rng=rng)


def _square(image: Image.Image) -> Image.Image:
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    return image.crop((left, top, left + edge, top + edge))


def size_of(one: SandboxPhoto, suffix: str) -> tuple[int, int] | None:
    if suffix in SQUARES:
        return (SQUARES[suffix], SQUARES[suffix])
    return one.sizes.get(SUFFIXES.get(suffix, "none"))


def jpeg(seed: int, one: SandboxPhoto, suffix: str) -> bytes | None:
    """The picture in a size, or None when that photo has no such size."""
    size = size_of(one, suffix)
    if size is None:
        return None
    sketch = _Sketch(seed, one.number, one.motif, one.palette, one.ratio)
    return _encoded(sketch, size, square=suffix in SQUARES)


@lru_cache(maxsize=512)
def _encoded(sketch: _Sketch, size: tuple[int, int], *, square: bool) -> bytes:
    drawn = _drawn(sketch)
    image = (_square(drawn) if square else drawn).resize(size, Image.Resampling.LANCZOS)
    image = with_grain(image, rng=seeded("grain", sketch.seed, sketch.number))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=84)
    return file.getvalue()

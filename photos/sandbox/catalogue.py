"""The photos of the sandbox. Each is computed from the seed and from the photo's number."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from types import MappingProxyType

from photos.sandbox.config import SandboxConfig
from photos.sandbox.motifs import MOTIFS
from photos.sandbox.names import (
    DESCRIPTIONS,
    HOSTILE_DESCRIPTIONS,
    HOSTILE_TITLES,
    OWNERS,
    PLACES,
    TAGS,
    TITLES,
    Owner,
)
from photos.sandbox.palettes import PALETTES, Palette
from photos.sandbox.seeds import seeded

FIRST_ID = 90_000_000_000
EPOCH = datetime(2025, 1, 1, tzinfo=UTC).timestamp()

LONG_EDGES: MappingProxyType[str, int] = MappingProxyType(
    {"t": 100, "s": 240, "n": 320, "w": 400, "m": 500, "z": 640, "c": 800, "l": 1024}
)
"""The names of the sizes in the REST API (url_X), with the longer edge in pixels."""

RATIOS = ((3, 2), (3, 2), (4, 3), (16, 9), (1, 1), (2, 3), (4, 5), (21, 9))
WARM_LIGHT = ("dawn", "dusk", "autumn")


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPhoto:
    number: int
    id: str
    secret: str
    owner: Owner
    title: str
    description: str
    tags: tuple[str, ...]
    licence: int
    motif: str
    palette: Palette
    ratio: tuple[int, int]
    sizes: MappingProxyType[str, tuple[int, int]]
    uploaded: int
    taken: str
    granularity: int
    is_taken_unknown: bool
    is_gone: bool


def newest_number(config: SandboxConfig) -> int:
    return int((config.clock() - EPOCH) / config.interval)


@lru_cache(maxsize=32_768)
def photo(config: SandboxConfig, number: int) -> SandboxPhoto:
    rng = seeded("photo", config.seed, number)
    motif = rng.choice(list(MOTIFS))
    palette = _palette_for(motif, rng=rng)
    is_hostile = rng.random() < config.hostile_rate
    uploaded = int(EPOCH + (number - rng.random() * 0.9) * config.interval)
    ratio = rng.choice(RATIOS)
    is_taken_unknown = rng.random() < 0.05
    return SandboxPhoto(
        number=number,
        id=str(FIRST_ID + number),
        secret=f"{rng.getrandbits(40):010x}",
        owner=rng.choice(OWNERS),
        title=_title(motif, palette, rng=rng, is_hostile=is_hostile),
        description=rng.choice(HOSTILE_DESCRIPTIONS if is_hostile else DESCRIPTIONS),
        tags=_tags(motif, palette, rng=rng),
        licence=rng.choice((0, 0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 11, 12, 14)),
        motif=motif,
        palette=palette,
        ratio=ratio,
        sizes=_sizes(ratio, largest=rng.choice((1024, 1024, 1024, 1024, 800, 640, 500))),
        uploaded=uploaded,
        taken="0000-00-00 00:00:00" if is_taken_unknown else _taken(uploaded, rng=rng),
        granularity=rng.choice((0, 0, 0, 0, 0, 0, 4, 6, 8)),
        is_taken_unknown=is_taken_unknown,
        is_gone=rng.random() < config.gone_rate,
    )


def _palette_for(motif: str, *, rng: random.Random) -> Palette:
    if motif == "night":
        return rng.choice([palette for palette in PALETTES if palette.light == "night"])
    if motif == "dunes":
        return rng.choice([palette for palette in PALETTES if palette.light in WARM_LIGHT])
    return rng.choice([palette for palette in PALETTES if palette.light != "night"])


def _title(motif: str, palette: Palette, *, rng: random.Random, is_hostile: bool) -> str:
    if is_hostile:
        return rng.choice(HOSTILE_TITLES)
    if rng.random() < 0.04:
        return " "
    text = rng.choice(TITLES[motif]).format(
        light=palette.light, place=rng.choice(PLACES), number=rng.randint(3, 90)
    )
    return text[0].upper() + text[1:]


def _tags(motif: str, palette: Palette, *, rng: random.Random) -> tuple[str, ...]:
    if rng.random() < 0.06:
        return ()
    return tuple(dict.fromkeys((*TAGS[motif], palette.light)))


def _sizes(ratio: tuple[int, int], *, largest: int) -> MappingProxyType[str, tuple[int, int]]:
    wide, high = ratio
    return MappingProxyType(
        {
            name: (round(edge * wide / max(ratio)), round(edge * high / max(ratio)))
            for name, edge in LONG_EDGES.items()
            if edge <= largest
        }
    )


def _taken(uploaded: int, *, rng: random.Random) -> str:
    moment = datetime.fromtimestamp(uploaded, tz=UTC) - timedelta(minutes=rng.randint(30, 300_000))
    return moment.strftime("%Y-%m-%d %H:%M:%S")

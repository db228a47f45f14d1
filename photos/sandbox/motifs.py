"""The motifs of the sandbox's pictures: functions that draw on a canvas with a sky."""

import random
from types import MappingProxyType

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from photos.sandbox.palettes import Palette, mix
from photos.sandbox.scenes import (
    Canvas,
    Points,
    Scene,
    birds,
    disc,
    fill_below,
    gradient,
    hills,
    layers,
    night,
    ridge,
    sun,
)


def sea(canvas: Canvas) -> None:
    horizon = round(canvas.rng.uniform(0.5, 0.64) * canvas.height)
    x, _, radius = sun(canvas, low=0.3, high=horizon / canvas.height)
    if canvas.rng.random() < 0.5:
        island = ridge(canvas, level=horizon / canvas.height, swing=0.05, waves=3)
        fill_below(canvas, island, canvas.palette.far, canvas.palette.far)
    deep = mix(canvas.palette.near, canvas.palette.far, 0.25)
    shallow = mix(canvas.palette.sky[-1], canvas.palette.far, 0.45)
    water = gradient((canvas.width, canvas.height - horizon), shallow, deep)
    canvas.image.paste(water, (0, horizon))
    glitter(canvas, x=x, horizon=horizon, spread=radius)
    if canvas.rng.random() < 0.4:
        birds(canvas)


def glitter(canvas: Canvas, *, x: float, horizon: int, spread: float) -> None:
    draw = ImageDraw.Draw(canvas.image, "RGBA")
    depth = canvas.height - horizon
    for _ in range(130):
        part = canvas.rng.random() ** 1.5
        y = horizon + part * depth
        middle = x + canvas.rng.gauss(0, 0.5 + part * 1.6) * spread
        half = canvas.rng.uniform(0.1, 0.8) * spread * (0.4 + part * 1.4)
        alpha = round(190 * (1 - part) + 30)
        thick = 1 + part * 0.008 * canvas.height
        draw.rounded_rectangle(
            (middle - half, y, middle + half, y + thick), thick / 2, (*canvas.palette.sun, alpha)
        )


def dunes(canvas: Canvas) -> None:
    sun(canvas, low=0.15, high=0.35)
    for n in range(4):
        part = n / 3
        crest = ridge(canvas, level=0.52 + part * 0.33, swing=0.13, waves=1.2 + part * 0.5)
        lit = mix(canvas.palette.sky[-1], canvas.palette.near, 0.1 + part * 0.3)
        fill_below(canvas, crest, lit, mix(lit, canvas.palette.near, 0.35))
        shade = [(x, y + abs(y - crest[0][1]) * 0.7 + 0.02 * canvas.height) for x, y in crest]
        fill_below(canvas, shade, mix(lit, canvas.palette.far, 0.55), lit)


def forest(canvas: Canvas) -> None:
    sun(canvas, low=0.15, high=0.4)
    for n, (outline, colour) in enumerate(layers(canvas, count=4, start=0.5, swing=0.06)):
        trees = conifers(canvas, outline, tall=(0.05 + 0.045 * n) * canvas.height)
        fill_below(canvas, trees, colour, mix(colour, canvas.palette.sky[-1], 0.4))


def conifers(canvas: Canvas, ground: Points, *, tall: float) -> Points:
    outline: Points = []
    x, step = 0.0, tall * 0.42
    while x < canvas.width + step:
        y = ground[min(len(ground) - 1, round(x / canvas.width * (len(ground) - 1)))][1]
        top = tall * canvas.rng.uniform(0.5, 1.15)
        half = step * canvas.rng.uniform(0.45, 0.7)
        for part in (0.0, 0.33, 0.66):
            outline.append((x - half * (1 - part), y - top * part))
            outline.append((x - half * (0.45 - part * 0.4), y - top * (part + 0.08)))
        outline.append((x, y - top))
        for part in (0.66, 0.33, 0.0):
            outline.append((x + half * (0.45 - part * 0.4), y - top * (part + 0.08)))
            outline.append((x + half * (1 - part), y - top * part))
        x += step * canvas.rng.uniform(0.6, 1.5)
    return [(min(max(x, 0), canvas.width), y) for x, y in outline]


def lake(canvas: Canvas) -> None:
    hills(canvas)
    shore = round(canvas.rng.uniform(0.6, 0.68) * canvas.height)
    depth = canvas.height - shore
    upside = canvas.image.crop((0, shore - depth, canvas.width, shore))
    upside = upside.transpose(Image.Transpose.FLIP_TOP_BOTTOM).filter(ImageFilter.BoxBlur(7))
    tint = gradient(upside.size, canvas.palette.sky[-1], canvas.palette.near)
    canvas.image.paste(Image.blend(upside, tint, 0.32), (0, shore))
    draw = ImageDraw.Draw(canvas.image, "RGBA")
    for _ in range(40):
        x, y = canvas.rng.random() * canvas.width, shore + canvas.rng.random() * depth
        draw.line(
            (x, y, x + canvas.rng.uniform(0.03, 0.2) * canvas.width, y), (255, 255, 255, 26), 2
        )


def skyline(canvas: Canvas) -> None:
    sun(canvas, low=0.2, high=0.5)
    for n in range(3):
        colour = mix(canvas.palette.far, canvas.palette.near, n / 2)
        outline: Points = []
        x = 0.0
        while x < canvas.width:
            wide = canvas.rng.uniform(0.03, 0.09) * canvas.width
            y = (0.5 + 0.14 * n + canvas.rng.uniform(-0.16, 0.12)) * canvas.height
            outline += [(x, y), (x + wide, y)]
            x += wide
        fill_below(canvas, outline, colour, mix(colour, canvas.palette.sky[-1], 0.3))
        if n:
            windows(canvas, outline)


def windows(canvas: Canvas, roofs: Points) -> None:
    draw = ImageDraw.Draw(canvas.image, "RGBA")
    size = canvas.width * 0.0045
    for (left, top), (right, _) in zip(roofs[::2], roofs[1::2], strict=True):
        for _ in range(canvas.rng.randint(0, 14)):
            x = left + canvas.rng.uniform(0.15, 0.8) * (right - left)
            y = top + canvas.rng.uniform(0.03, 0.3) * canvas.height
            draw.rectangle((x, y, x + size, y + size * 1.5), fill=(*canvas.palette.sun, 170))


def shapes(canvas: Canvas) -> None:
    """Draw a geometric horizon with bands, half discs and rings."""
    paper = mix(canvas.palette.sky[-1], (250, 246, 236), 0.5)
    canvas.image.paste(paper, (0, 0, *canvas.image.size))
    middle, reach = canvas.rng.uniform(0.4, 0.6) * canvas.width, min(canvas.image.size) * 0.46
    ground = canvas.rng.uniform(0.55, 0.7) * canvas.height
    tones = (*canvas.palette.sky, canvas.palette.far)
    for n, colour in enumerate(tones):
        part = 1 - n / len(tones)
        disc(canvas, x=middle, y=ground, radius=reach * part, colour=colour)
    disc(canvas, x=middle, y=ground, radius=reach * 0.12, colour=canvas.palette.sun)
    draw, y = ImageDraw.Draw(canvas.image), ground
    while y < canvas.height:
        thick = canvas.rng.uniform(0.02, 0.09) * canvas.height
        tone = mix(canvas.palette.near, paper, canvas.rng.choice((0, 0.15, 0.3, 0.5, 0.75)))
        draw.rectangle((0, y, canvas.width, y + thick), fill=tone)
        y += thick


MOTIFS: MappingProxyType[str, Scene] = MappingProxyType(
    {
        "hills": hills,
        "sea": sea,
        "dunes": dunes,
        "forest": forest,
        "lake": lake,
        "skyline": skyline,
        "shapes": shapes,
        "night": night,
    }
)


def paint(
    motif: str, *, palette: Palette, size: tuple[int, int], rng: random.Random
) -> Image.Image:
    canvas = Canvas(gradient(size, *palette.sky), palette, rng)
    MOTIFS[motif](canvas)
    return canvas.image


def add_grain(image: Image.Image, *, rng: random.Random) -> Image.Image:
    """Add a little film grain, which also hides the steps of a gradient in eight bits.

    Image.effect_noise has no seed, so it would not give the same picture each time.
    """
    side = 256
    tile = Image.frombytes("L", (side, side), rng.randbytes(side * side))
    tile = tile.point([128 + round((value - 128) * 0.045) for value in range(256)])
    grain = Image.new("L", image.size)
    for x in range(0, image.width, side):
        for y in range(0, image.height, side):
            grain.paste(tile, (x, y))
    return ImageChops.add(image, grain.convert("RGB"), 1, -128)

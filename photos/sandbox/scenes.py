"""Draws landscapes: a sky, a sun, and hills, stars or birds in front of it.

All random numbers come from a generator that the caller seeds, so a picture is the same each time.
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFilter

from photos.sandbox.palettes import Colour, Palette, mix

Points = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Canvas:
    image: Image.Image
    palette: Palette
    rng: random.Random

    @property
    def width(self) -> int:
        return self.image.width

    @property
    def height(self) -> int:
        return self.image.height


def gradient(size: tuple[int, int], *stops: Colour) -> Image.Image:
    column = Image.new("RGB", (1, len(stops)))
    for row, colour in enumerate(stops):
        column.putpixel((0, row), colour)
    return column.resize(size, Image.Resampling.BICUBIC)


def ridge(canvas: Canvas, *, level: float, swing: float, waves: float) -> Points:
    """The outline of a hill line; level and swing are shares of the height."""
    parts = [
        (waves * 2**n * canvas.rng.uniform(0.7, 1.3), canvas.rng.uniform(0, math.tau), swing / 2**n)
        for n in range(4)
    ]
    steps = 160
    points = []
    for step in range(steps + 1):
        x = step / steps
        y = level + sum(high * math.sin(often * x + shift) for often, shift, high in parts) / 2
        points.append((x * canvas.width, y * canvas.height))
    return points


def fill_below(canvas: Canvas, outline: Points, top: Colour, bottom: Colour) -> None:
    """Fill from an outline to the lower edge, fading from one colour to the other."""
    highest = max(0, int(min(y for _, y in outline)))
    size = (canvas.width, canvas.height - highest)
    if size[1] <= 0:
        return
    mask = Image.new("L", size, 0)
    shape = [(x, y - highest) for x, y in outline]
    shape += [(canvas.width, size[1]), (0, size[1])]
    ImageDraw.Draw(mask).polygon(shape, fill=255)
    canvas.image.paste(gradient(size, top, bottom), (0, highest), mask)


def disc(canvas: Canvas, *, x: float, y: float, radius: float, colour: Colour) -> None:
    box = (x - radius, y - radius, x + radius, y + radius)
    ImageDraw.Draw(canvas.image).ellipse(box, fill=colour)


def glow(canvas: Canvas, *, x: float, y: float, radius: float, strength: float) -> None:
    part = 8
    mask = Image.new("L", (canvas.width // part, canvas.height // part), 0)
    box = tuple(value / part for value in (x - radius, y - radius, x + radius, y + radius))
    ImageDraw.Draw(mask).ellipse(box, fill=round(255 * strength))
    mask = mask.filter(ImageFilter.GaussianBlur(radius / part / 1.6))
    canvas.image.paste(canvas.palette.sun, (0, 0), mask.resize(canvas.image.size))


def sun(canvas: Canvas, *, low: float = 0.2, high: float = 0.5) -> tuple[float, float, float]:
    x = canvas.rng.uniform(0.18, 0.82) * canvas.width
    y = canvas.rng.uniform(low, high) * canvas.height
    radius = canvas.rng.uniform(0.035, 0.085) * min(canvas.image.size)
    glow(canvas, x=x, y=y, radius=radius * 4, strength=0.55)
    disc(canvas, x=x, y=y, radius=radius, colour=canvas.palette.sun)
    return x, y, radius


def stars(canvas: Canvas) -> None:
    draw = ImageDraw.Draw(canvas.image)
    for _ in range(canvas.rng.randint(90, 220)):
        x, y = canvas.rng.random() * canvas.width, canvas.rng.random() ** 1.4 * canvas.height * 0.7
        size = canvas.rng.choice((0.7, 0.9, 1.2, 2.0))
        tone = mix(canvas.palette.sky[-1], (255, 255, 245), canvas.rng.uniform(0.4, 1))
        draw.ellipse((x - size, y - size, x + size, y + size), fill=tone)


def birds(canvas: Canvas) -> None:
    draw = ImageDraw.Draw(canvas.image)
    x = canvas.rng.uniform(0.2, 0.7) * canvas.width
    y = canvas.rng.uniform(0.15, 0.35) * canvas.height
    for _ in range(canvas.rng.randint(3, 7)):
        wing = canvas.rng.uniform(0.007, 0.014) * canvas.width
        x += canvas.rng.uniform(-3, 6) * wing
        y += canvas.rng.uniform(-2, 2.4) * wing
        outline = [(x - wing, y - wing * 0.5), (x, y), (x + wing, y - wing * 0.6)]
        draw.line(outline, fill=canvas.palette.near, width=max(2, round(wing / 6)), joint="curve")


def layers(
    canvas: Canvas, *, count: int, start: float, swing: float
) -> list[tuple[Points, Colour]]:
    """Hill lines from far to near, with the colour of each."""
    lines = []
    for n in range(count):
        part = n / max(1, count - 1)
        level = start + (0.97 - start) * part**1.15 * 0.88
        outline = ridge(canvas, level=level, swing=swing * (0.6 + part), waves=2.2 + part * 2)
        lines.append((outline, mix(canvas.palette.far, canvas.palette.near, part)))
    return lines


def hills(canvas: Canvas) -> None:
    sun(canvas)
    if canvas.rng.random() < 0.4:
        birds(canvas)
    for outline, colour in layers(canvas, count=canvas.rng.randint(4, 6), start=0.5, swing=0.09):
        fill_below(canvas, outline, colour, mix(colour, canvas.palette.sky[-1], 0.35))


def night(canvas: Canvas) -> None:
    stars(canvas)
    hills(canvas)


Scene = Callable[[Canvas], None]

"""The colours of the sandbox's pictures, grouped by the light."""

from dataclasses import dataclass

Colour = tuple[int, int, int]


def rgb(code: str) -> Colour:
    return int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16)


def mix(a: Colour, b: Colour, part: float) -> Colour:
    return (
        round(a[0] + (b[0] - a[0]) * part),
        round(a[1] + (b[1] - a[1]) * part),
        round(a[2] + (b[2] - a[2]) * part),
    )


@dataclass(frozen=True, slots=True)
class Palette:
    light: str
    sky: tuple[Colour, ...]
    """From the top of the picture down to the horizon."""
    sun: Colour
    far: Colour
    near: Colour


def palette(light: str, *, sky: str, sun: str, far: str, near: str) -> Palette:
    return Palette(light, tuple(rgb(code) for code in sky.split()), rgb(sun), rgb(far), rgb(near))


PALETTES = (
    palette("dawn", sky="3d4e81 7e6ea6 e8a2a0 ffd9b0", sun="fff1cf", far="c08a9c", near="2f2748"),
    palette("dawn", sky="8fb8de b9c9e6 f3d3c9 fdeedd", sun="fffaf0", far="a9b4cc", near="34495e"),
    palette("noon", sky="3f8fd2 79b8e6 bfe0f2 eef8fb", sun="ffffff", far="8fbfc4", near="1f5a4d"),
    palette("noon", sky="57a0b8 9fd0cf dcefe2 fbf8e6", sun="fffdf0", far="a8cbb0", near="2c5b3c"),
    palette("autumn", sky="7fa3b5 c7c9b5 f0d9a8 f9e7c4", sun="fff6dc", far="d9a066", near="5a2a1b"),
    palette("autumn", sky="5c6f86 a89a94 e5b98d f6d8a6", sun="ffe9bd", far="b8795a", near="3a1f1d"),
    palette(
        "dusk", sky="2b2d5b 6a3d7c d1587a ff9f6b ffd28a", sun="ffe3a3", far="9b4a73", near="1d1436"
    ),
    palette("dusk", sky="1f3b63 4f6a94 d88c7a f9c48d", sun="ffd9a0", far="6b5a7e", near="172035"),
    palette("storm", sky="2c3a47 4d6273 8299a3 c3cfcf", sun="e9efe9", far="6f8790", near="18242c"),
    palette("mist", sky="a7b7bd c6d0d1 dfe3df f1f1ea", sun="fbfbf5", far="bcc7c6", near="4b5f62"),
    palette("night", sky="060b1f 101a3c 23305f 3f4d7d", sun="f3f0dc", far="2c3a68", near="050814"),
    palette("night", sky="07161f 0d2f3a 17505a 3a7f7c", sun="eefaf0", far="17505a", near="030b10"),
)

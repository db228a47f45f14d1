"""The site's stylesheets use the tokens of realtime and of the site, and no colours beside them."""

import re
from pathlib import Path
from typing import Final

import pytest
from django.conf import settings

HOME: Final[Path] = settings.BASE_DIR
OURS: Final = (HOME / "picha/static/picha/tokens.css").read_text("utf-8")
SHARED: Final = (HOME / "realtime/static/realtime/shared/tokens.css").read_text("utf-8")
STYLES: Final = [
    path
    for app in ("feedback", "photos", "picha")
    for path in sorted(HOME.glob(f"{app}/static/**/*.css"))
    if path.name != "tokens.css"
]


def names(css: str) -> list[str]:
    return re.findall(r"(--[a-z0-9-]+):", css)


def test_every_colour_has_a_dark_value() -> None:
    light, dark = (re.findall(r"(--[a-z-]+): .*(?:#|rgb)", css) for css in OURS.split("@media"))
    assert sorted(light) == sorted(dark)


def test_a_token_has_one_source() -> None:
    assert not {*names(OURS)} & {*names(SHARED)}


@pytest.mark.parametrize("style", STYLES, ids=lambda path: path.name)
def test_a_stylesheet_has_no_colours_of_its_own(style: Path) -> None:
    text = style.read_text("utf-8")
    assert {*re.findall(r"var\((--[a-z0-9-]+)", text)} <= {*names(OURS + SHARED + text)}
    assert not re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(", text)

"""tokens.css has a value for each colour scheme, and the stylesheets use only its colours."""

import re
from pathlib import Path

import pytest
from django.conf import settings

from realtime.states import JobState

HOME = settings.BASE_DIR
LIGHT, DARK = (HOME / "picha/static/picha/tokens.css").read_text("utf-8").split("@media", 1)
STYLES = [path for path in HOME.glob("*/static/**/*.css") if path.name != "tokens.css"]


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("state", JobState)
def test_every_state_has_a_colour(state: JobState, scheme: str) -> None:
    assert re.search(rf"--state-{state}: #[0-9a-f]{{6}};", scheme)


@pytest.mark.parametrize("state", JobState)
def test_every_state_has_a_rule(state: JobState) -> None:
    rules = (HOME / "realtime/static/realtime/shared/state.css").read_text("utf-8")
    assert f'[data-state="{state}"] {{ --state: var(--state-{state});' in rules


def test_every_colour_has_a_dark_value() -> None:
    colours = re.findall(r"(--[a-z-]+): (?:#|rgb)", LIGHT)
    assert set(colours) == set(re.findall(r"(--[a-z-]+): (?:#|rgb)", DARK))


@pytest.mark.parametrize("style", STYLES, ids=lambda path: path.name)
def test_a_stylesheet_has_no_colours_of_its_own(style: Path) -> None:
    text = style.read_text("utf-8")
    state = (HOME / "realtime/static/realtime/shared/state.css").read_text("utf-8")
    known = {*re.findall(r"(--[a-z0-9-]+):", LIGHT + state + text)}
    assert set(re.findall(r"var\((--[a-z0-9-]+)", text)) <= known
    assert not re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(", text)

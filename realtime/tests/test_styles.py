"""The styles of the app need nothing that a site would have to provide."""

import re
from pathlib import Path
from typing import Final

import pytest

from realtime.states import JobState

HOME: Final = Path(__file__).parents[1]
STATIC: Final = HOME / "static/realtime"
TEMPLATES: Final = HOME / "templates/realtime"


def read(*paths: Path) -> str:
    text = "\n".join(path.read_text("utf-8") for path in paths)
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


SHEETS: Final = sorted(STATIC.rglob("*.css"))
LINKED: Final = re.findall(r"static 'realtime/(.+?)'", read(TEMPLATES / "_styles.html"))
ON_EVERY_PAGE: Final = read(*(STATIC / path for path in LINKED))
LIGHT, DARK, *_ = read(STATIC / "shared/tokens.css").split("@media")


def classes_of(template: Path) -> set[str]:
    values = re.findall(r'class="([^"]*)"', read(template))
    return {name for value in values for name in value.split()}


def classes_with_rules(css: str) -> set[str]:
    selectors = re.findall(r"([^{}]+)\{", css)
    return {name for one in selectors for name in re.findall(r"\.([a-z][\w-]*)", one)}


def test_the_tokens_come_first_and_only_the_operators_styles_are_apart() -> None:
    sheets = {str(path.relative_to(STATIC)) for path in SHEETS}
    assert sheets - set(LINKED) == {"ops/ops.css"}
    assert LINKED[0] == "shared/tokens.css"


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_every_custom_property_in_use_is_defined_here(sheet: Path) -> None:
    used = set(re.findall(r"var\((--[a-z0-9-]+)", read(sheet)))
    assert used <= set(re.findall(r"(--[a-z0-9-]+):", ON_EVERY_PAGE))


@pytest.mark.parametrize("template", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_every_class_of_a_template_has_a_rule_here(template: Path) -> None:
    is_for_operators = template.parent.name == "dashboard"
    css = read(*SHEETS) if is_for_operators else ON_EVERY_PAGE
    assert classes_of(template) <= classes_with_rules(css)


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_colours_are_tokens(sheet: Path) -> None:
    if sheet.name != "tokens.css":
        assert not re.findall(r"#[0-9a-f]{3,8}\b|rgba?\(", read(sheet))


def test_every_colour_has_a_dark_value() -> None:
    colours = re.findall(r"(--[a-z-]+): (?:#|rgb)", LIGHT)
    assert sorted(colours) == sorted(re.findall(r"(--[a-z-]+): (?:#|rgb)", DARK))


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize("state", JobState)
def test_every_state_has_a_colour(state: JobState, scheme: str) -> None:
    assert re.search(rf"--state-{state}: #[0-9a-f]{{6}};", scheme)


@pytest.mark.parametrize("state", JobState)
def test_every_state_has_a_rule(state: JobState) -> None:
    rules = read(STATIC / "shared/state.css")
    assert f'[data-state="{state}"] {{ --state: var(--state-{state}); --state-sign: ' in rules

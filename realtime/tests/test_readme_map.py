"""The map in the README, and the public interface that it lists, are those of the code."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

HOME = Path(__file__).resolve().parents[1]
README = (HOME / "README.md").read_text("utf-8")
PLACES = re.findall(r"\[[\w/]+\.py\]\(([\w/]+)\.py\) `([\w.]+)`", README)
PUBLIC = re.findall(
    r"`(realtime(?:\.\w+)+(?::\w+)?)`", README.split("## The public interface")[1].split("\n## ")[0]
)
PACKAGES = re.findall(
    r"`([a-z_]+)(?:/|\.py)`", README.split("## The packages")[1].split("\n## ")[0]
)
NOT_DESCRIBED = {"static", "templates", "migrations", "tests", "conftest", "__init__", "management"}


def resolve(module: str, name: str) -> Any:
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


@pytest.mark.parametrize(("path", "name"), PLACES)
def test_each_step_of_a_job_is_where_the_map_says(path: str, name: str) -> None:
    assert resolve(f"realtime.{path.replace('/', '.')}", name)


@pytest.mark.parametrize("path", re.findall(r"\]\(([\w/.-]+)\)", README))
def test_each_linked_file_exists(path: str) -> None:
    assert (HOME / path).is_file()


@pytest.mark.parametrize("path", PUBLIC)
def test_each_public_name_can_be_imported(path: str) -> None:
    if path in {"realtime.urls", "realtime.dashboard.urls"}:
        import_module(path)
        return
    module, _, name = path.replace(":", ".").rpartition(".")
    assert resolve(module, name)


def test_every_package_is_described() -> None:
    entries = {path.name.removesuffix(".py") for path in HOME.iterdir() if path.suffix != ".md"}
    entries = {name for name in entries if not name.startswith(("__py", "."))}
    assert entries - NOT_DESCRIBED == set(PACKAGES)


SCRIPTS = sorted((HOME / "static").rglob("*.js"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_each_module_that_a_script_names_exists(script: Path) -> None:
    for path in re.findall(r"realtime/([\w/]+\.py)", script.read_text("utf-8")):
        assert (HOME / path).is_file()

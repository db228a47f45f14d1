"""The README documents every frame, close code, attribute and event, and no others."""

import re
from pathlib import Path
from typing import get_args

import pytest

from realtime.live import wire
from realtime.live.wire import ClientFrame, parse

HOME = Path(__file__).resolve().parents[1]
README = (HOME / "README.md").read_text("utf-8")
ID = "01a20391-cf6f-710b-bd83-cd1e99a51024"


def section(name: str) -> str:
    return README.split(f"\n## {name}")[1].split("\n## ")[0]


def frames(column: str) -> list[str]:
    table = section("The wire").split(f"| {column} |")[1].split("\n\n")[0]
    return re.findall(r"^\| `(\{.*\})` \|", table, re.MULTILINE)


def names(table: str) -> set[str]:
    return set(re.findall(r"^\| `([\w:]+)` \|", table, re.MULTILINE))


@pytest.mark.parametrize("frame", frames("from the browser"))
def test_the_example_frames_of_the_browser_can_be_parsed(frame: str) -> None:
    assert isinstance(parse(re.sub("…", ID, frame)), get_args(ClientFrame))


def test_every_frame_is_documented() -> None:
    types = re.compile(r'^\{"type": "(\w+)"')
    documented = [
        {types.findall(frame)[0] for frame in frames(f"from the {side}")} for side in SIDES
    ]
    client = {frame.__struct_config__.tag for frame in get_args(ClientFrame)}
    assert documented == [client, {"jobs", "overview", "denied", "error", "pong"}]


SIDES = ("browser", "server")


def test_every_close_code_is_documented() -> None:
    codes = {wire.AGED, wire.MALFORMED, wire.SESSION_ENDED, wire.TOO_SLOW, wire.TOO_MANY}
    documented = re.findall(r"^\| (\d{4}) \|", section("The wire"), re.MULTILINE)
    assert {int(code) for code in documented} == codes


def test_the_script_has_the_close_codes_of_the_server() -> None:
    script = (HOME / "static/realtime/link/close-codes.js").read_text("utf-8")
    codes = {name: int(code) for name, code in re.findall(r"const (\w+) = (\d+);", script)}
    assert codes.pop("BROKEN") == 1006
    assert codes == {name: getattr(wire, name) for name in codes}
    assert len(codes) == 5


def test_every_attribute_and_event_of_the_element_is_documented() -> None:
    script = (HOME / "static/realtime/job/job-progress.js").read_text("utf-8")
    attributes = set(re.findall(r'(?:get|has)Attribute\("(\w+)"\)', script))
    events = set(re.findall(r'"(job:\w+)"', script))
    assert names(section("The element")) == attributes | events
